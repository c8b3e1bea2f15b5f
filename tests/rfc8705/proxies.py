"""nginx, HAProxy and Apache as the guide has them, each in a directory of its own."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import issuer
from tests.relying_parties import apache

GUIDE = (Path(issuer.__file__).parent / "possession" / "README.md").read_text()
ANYWHERE = "127.0.0.1:8000"


def configuration(proxy: str) -> str:
    """What the guide says of it."""
    (block,) = re.findall(rf"^```{proxy}\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    return str(block)


def header(proxy: str) -> str:
    """The header in which it passes certificates on, as the guide has it."""
    return "Client-Cert" if proxy == "haproxy" else "X-SSL-Client-Cert"


@contextmanager
def started(proxy: str, folder: Path, port: int, backend: str) -> Iterator[str]:
    """The proxy at ``port``, in front of ``backend``; the URL of it.

    ``folder`` has ``tls.pem`` and ``tls.key``, and ``clients-ca.pem``.
    """
    tls = (folder / "tls.pem").read_text() + (folder / "tls.key").read_text()
    (folder / "tls-and-key.pem").write_text(tls)
    text = configuration(proxy).replace(ANYWHERE, backend).replace("/etc/issuer", str(folder))
    path = folder / f"{proxy}.conf"
    path.write_text(_WHOLE[proxy](text, folder, port))
    command = [each.format(path=path, folder=folder) for each in _COMMANDS[proxy]]
    if os.getuid() == 0:
        user = pwd.getpwnam("www-data")
        for each in (folder, *folder.iterdir()):
            os.chown(each, user.pw_uid, user.pw_gid)
    with (folder / f"{proxy}.output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait_for(port, process, folder / f"{proxy}.output")
        yield f"https://localhost:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_installed(proxy: str) -> bool:
    """Whether Debian's package of it is there."""
    if proxy == "apache":
        return apache.is_installed("ssl") and apache.is_installed("proxy_http")
    return shutil.which(proxy) is not None


def _nginx(text: str, folder: Path, port: int) -> str:
    # What browsers would do: a file of each kind that nginx may write lies in its folder.
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{each}_temp_path {folder}/{each};\n" for each in places)
    user = "user www-data;\n" if os.getuid() == 0 else ""
    return (
        f"{user}pid {folder}/nginx.pid;\nerror_log {folder}/errors;\ndaemon off;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}"
        + text.replace("listen 443 ", f"listen 127.0.0.1:{port} ")
        + "}\n"
    )


def _haproxy(text: str, _: Path, port: int) -> str:
    return (
        "defaults\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n\n"
        + text.replace("bind :443 ", f"bind 127.0.0.1:{port} ")
    )


def _apache(text: str, folder: Path, port: int) -> str:
    modules = ("mpm_event", "authz_core", "ssl", "headers", "proxy", "proxy_http", "setenvif")
    user = "User www-data\nGroup www-data\n" if os.getuid() == 0 else ""
    lines = [
        *(f"LoadModule {each}_module {apache.MODULES}/mod_{each}.so" for each in modules),
        f"Listen 127.0.0.1:{port}",
        f"PidFile {folder}/apache.pid",
        f"ErrorLog {folder}/errors",
        f"Mutex file:{folder}",
        "ServerLimit 1",
        text.replace("*:443", f"127.0.0.1:{port}"),
    ]
    return user + "\n".join(lines)


_WHOLE: Mapping[str, Callable[[str, Path, int], str]] = {
    "nginx": _nginx,
    "haproxy": _haproxy,
    "apache": _apache,
}
PROXIES = [*_WHOLE]
_COMMANDS = {
    "nginx": ["nginx", "-c", "{path}", "-p", "{folder}", "-e", "{folder}/errors"],
    "haproxy": ["haproxy", "-db", "-f", "{path}"],
    "apache": ["apache2", "-D", "FOREGROUND", "-d", "{folder}", "-f", "{path}"],
}


def _wait_for(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the proxy did not start:\n{output.read_text()}")
