"""The command as people run it: a process, with pipes, signals and missing files."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

from issuer.cli.command import issuer

CHECKOUT = Path(__file__).parents[2]
ISSUER = [sys.executable, "-m", "issuer"]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("ISSUER_")
} | {"PYTHONPATH": str(CHECKOUT)}


def start(directory: Path, *arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [*ISSUER, *arguments], cwd=directory, env=ENVIRONMENT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def said(directory: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    process = start(directory, *arguments)
    stdout, stderr = process.communicate(stdin, timeout=30)
    return process.returncode, stdout, stderr


def unread(pipe: IO[str]) -> int:
    """How many bytes in ``pipe`` nobody has read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_the_quick_start_works_twice(tmp_path):
    for _ in range(2):
        code, stdout, stderr = said(tmp_path, "init")
        assert (code, stderr) == (0, "")
    assert said(tmp_path, "check")[0] == 0
    assert "secret" not in stdout


def test_a_reader_that_leaves_early_sees_no_traceback(tmp_path):
    process = start(tmp_path, "schema")
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(timeout=30)
    for pipe in (process.stdin, process.stderr):
        pipe.close()


def test_an_interrupt_is_quiet(tmp_path):
    said(tmp_path, "init")
    process = start(tmp_path, "inspect")
    process.stdin.write("eyJ")
    process.stdin.flush()
    while unread(process.stdin):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in stderr


def test_what_may_not_be_written_is_named(tmp_path):
    said(tmp_path, "init")
    (tmp_path / "keyring.json").unlink()
    (tmp_path / "keyring.json").mkdir()
    code, _, stderr = said(tmp_path, "keys", "list")
    assert code == 1
    assert stderr == "keyring.json: not a regular file\n"


def test_a_place_that_is_not_there_is_named(tmp_path):
    code, _, stderr = said(tmp_path, "--registry", "a/b.toml", "resource", "add", "https://a")
    assert code == 1
    assert "a: No such file or directory" in stderr
    assert "`issuer init`" in stderr


def python(code: str, directory: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_server_extra_it_says_what_to_install(tmp_path):
    """As on a machine that only verifies tokens: click is not there."""
    code = "import sys; sys.modules['click'] = None; from issuer.__main__ import main; main()"
    done = python(code, tmp_path)
    assert done.returncode == 2
    assert "pip install 'issuer[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_of_ours_is_not_called_a_missing_package(tmp_path):
    code = (
        "import sys; sys.modules['issuer.registry'] = None;from issuer.__main__ import main; main()"
    )
    done = python(code, tmp_path)
    assert "ModuleNotFoundError" in done.stderr


def commands(group=issuer, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_has_an_example_and_a_first_line_that_fits(path):
    shown = CliRunner().invoke(issuer, [*path, "--help"])
    assert shown.exit_code == 0
    assert re.search(rf"Examples?:\n    .*issuer .*{' '.join(path)}", shown.output)
    command = dict(commands())[path]
    assert not command.get_short_help_str(limit=68).endswith("...")


def test_the_help_page_names_files_variables_and_exit_codes():
    page = CliRunner().invoke(issuer, ["--help"]).output
    for word in ("ISSUER_REGISTRY", "ISSUER_KEYRING", "issuer init", "gunicorn", "Exit codes"):
        assert word in page
