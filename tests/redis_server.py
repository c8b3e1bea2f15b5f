"""A Redis of the tests' own: started, hung, killed and emptied as a test likes."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.running import free_port

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
IN_MEMORY = ("--save", "", "--appendonly", "no")


class RedisServer:
    """One process, at a free port and at a socket, which keeps its data in ``directory``."""

    def __init__(self, directory: Path, *settings: str, configuration: Path | None = None) -> None:
        self.directory = directory
        # Sentinel writes into its configuration.
        self._role = [str(configuration), "--sentinel"] if configuration else [*IN_MEMORY]
        self.port = free_port()
        # Not in ``directory``, whose path may be too long for a socket.
        self.socket = Path(tempfile.gettempdir()) / f"redis-{self.port}.sock"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As ``replay_store`` names it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *settings: str) -> "RedisServer":
        """Returns when it answers. It begins with what ``directory`` holds."""
        self._launch(*settings)
        self._wait()
        return self

    def _launch(self, *settings: str) -> None:
        assert PROGRAM is not None
        directory = str(self.directory)
        self._process = subprocess.Popen(
            [
                PROGRAM, *self._role, "--port", str(self.port), "--bind", "127.0.0.1",
                "--dir", directory, "--unixsocket", str(self.socket), *self._settings, *settings,
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            assert self._process is not None
            assert self._process.poll() is None, "redis-server does not start"
            try:
                with redis.Redis(unix_socket_path=str(self.socket)) as client:
                    client.ping()
            except redis.AuthenticationError:
                return
            except redis.ConnectionError:
                assert time.monotonic() < until, "redis-server does not answer"
                time.sleep(0.02)
            else:
                return

    def ask(self, *command: str | int) -> Any:
        """What it answers to ``command``, as whoever is let in without a password."""
        with redis.Redis(unix_socket_path=str(self.socket), decode_responses=True) as client:
            return client.execute_command(*command)

    def flush(self) -> None:
        """Forgets everything."""
        self.ask("FLUSHALL")

    def pause(self) -> None:
        """Hangs: takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Goes on, with all that was sent to it meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends at once, and saves nothing."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends in its own time."""
        self._end(signal.SIGTERM)

    def _end(self, by: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(by)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(timeout=10)
        self._process = None
        self.socket.unlink(missing_ok=True)


@contextmanager
def running_redis(
    directory: Path, *settings: str, configuration: Path | None = None
) -> Iterator[RedisServer]:
    """A Redis for as long as it is needed."""
    if PROGRAM is None:
        pytest.skip("no redis-server is installed")
    server = RedisServer(directory, *settings, configuration=configuration)
    try:
        yield server.start()
    finally:
        server.kill()
