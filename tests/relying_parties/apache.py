"""Apache with mod_auth_openidc in front of one page, in a directory of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from issuer.metadata import INTROSPECT, OPENID_CONFIGURATION
from tests.builders import SECRET
from tests.relying_parties.builders import SCOPE

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authz_core", "authz_user", "authn_core", "mime", "dir", "include",
          "auth_openidc")  # fmt: skip
USER = "www-data"
"""Who runs it, where the tests are run by root."""

PAGE = """<!doctype html><html lang="en"><title>Protected</title><p id="protected">
<!--#echo var="OIDC_CLAIM_sub" -->|<!--#echo var="OIDC_CLAIM_email" -->|<!--#echo var="OIDC_CLAIM_name" -->
</p></html>"""  # noqa: E501


def is_installed(module: str = "auth_openidc") -> bool:
    """Whether Debian's apache2 and its package of ``module`` are there."""
    return bool(_program()) and (MODULES / f"mod_{module}.so").exists()


@contextmanager
def started(issuer: str, port: int, client_id: str, *directives: str) -> Iterator[str]:
    """Apache as ``client_id`` of ``issuer``; the URL of the page that it protects."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, issuer, port, client_id, directives)
        with _serving(folder, port) as url:
            yield f"{url}/protected/page.shtml"


@contextmanager
def asking(issuer: str, port: int, client_id: str) -> Iterator[str]:
    """Apache as the resource server ``client_id``, which has mod_oauth2 introspect each token.

    The URL of the page that it protects. An answer serves it for a second.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pages" / "protected").mkdir(parents=True)
        (folder / "pages" / "protected" / "page.txt").write_text("Protected.")
        (folder / "pages" / "goodbye.html").write_text("<p id='goodbye'>Goodbye.</p>")
        modules = ("mpm_event", "authz_core", "authz_user", "authn_core", "oauth2")
        verify = f"introspect.auth=client_secret_basic&client_id={client_id}&client_secret={SECRET}"
        lines = [
            f"ServerName http://127.0.0.1:{port}",
            f"Listen 127.0.0.1:{port}",
            *(f"LoadModule {each}_module {MODULES}/mod_{each}.so" for each in modules),
            f"DocumentRoot {folder}/pages",
            f"PidFile {folder}/pid",
            f"ErrorLog {folder}/errors",
            f"Mutex file:{folder}",
            "ServerLimit 1",
            f"OAuth2TokenVerify introspect {issuer}{INTROSPECT} {verify}&expiry=1",
            "<Directory />",
            "Require all granted",
            "</Directory>",
            "<Location /protected>",
            "AuthType oauth2",
            "Require valid-user",
            "</Location>",
        ]
        (folder / "httpd.conf").write_text("\n".join(lines) + "\n")
        with _serving(folder, port) as url:
            yield f"{url}/protected/page.txt"


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [_program(), "-D", "FOREGROUND", "-d", folder, "-f", folder / "httpd.conf"],
            stdout=output, stderr=output, start_new_session=True, **_as_nobody(folder),
        )  # fmt: skip
    try:
        _wait_for(url, process, folder)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _write(
    folder: Path, issuer: str, port: int, client_id: str, directives: tuple[str, ...]
) -> None:
    pages = folder / "pages" / "protected"
    pages.mkdir(parents=True)
    (pages / "page.shtml").write_text(PAGE)
    (folder / "pages" / "goodbye.html").write_text("<p id='goodbye'>Goodbye.</p>")
    url = f"http://127.0.0.1:{port}"
    lines = [
        f"ServerName {url}",
        f"Listen 127.0.0.1:{port}",
        *(f"LoadModule {each}_module {MODULES}/mod_{each}.so" for each in LOADED),
        f"DocumentRoot {folder}/pages",
        f"PidFile {folder}/pid",
        f"ErrorLog {folder}/errors",
        f"Mutex file:{folder}",
        "TypesConfig /etc/mime.types",
        "AddType text/html .shtml",
        "AddOutputFilter INCLUDES .shtml",
        "ServerLimit 1",
        f"OIDCProviderMetadataURL {issuer}{OPENID_CONFIGURATION}",
        f"OIDCClientID {client_id}",
        f"OIDCClientSecret {SECRET}",
        f"OIDCRedirectURI {url}/protected/callback",
        "OIDCCryptoPassphrase a-passphrase-of-the-tests",
        f'OIDCScope "{SCOPE}"',
        "OIDCRemoteUserClaim sub",
        *directives,
        "<Directory />",
        "Options +Includes",
        "Require all granted",
        "</Directory>",
        "<Location /protected>",
        "AuthType openid-connect",
        "Require valid-user",
        "</Location>",
    ]
    (folder / "httpd.conf").write_text("\n".join(lines) + "\n")


def _as_nobody(folder: Path) -> dict[str, object]:
    """Apache does not run as root; whoever else runs the tests may run it."""
    if os.geteuid() != 0:
        return {}
    who = pwd.getpwnam(USER)
    for each in (folder, *folder.rglob("*")):
        os.chown(each, who.pw_uid, who.pw_gid)
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def _wait_for(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/goodbye.html").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"Apache did not start:\n{(folder / 'output').read_text()}")


def _program() -> str:
    return shutil.which("apache2", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
