"""How the command refuses: lines on stderr that name what is wrong, an exit code, no traceback."""

import errno
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import IO, Any, NoReturn

import click

from issuer import load
from issuer.errors import AccessTokenException
from issuer.registry import InvalidRegistry, edit
from issuer.registry.files import Unreadable
from keys.ring import InvalidKeyRing, NoCurrentKey


class Refusal(click.ClickException):
    """Exit code 1, and what ``lines`` say."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the lines as they are."""
        click.echo(self.message, file=file, err=True)


def _problems(error: Any) -> Iterable[str]:
    return map(str, error.problems)


def _sentence(error: Exception) -> Iterable[str]:
    return [str(error)]


def _os_error(error: Any) -> Iterable[str]:
    where = f"{error.filename}: " if error.filename else ""
    return [f"{where}{error.strerror or error}"]


_LINES: Mapping[type[Exception], Callable[[Any], Iterable[str]]] = MappingProxyType(
    {
        InvalidRegistry: _problems,
        InvalidKeyRing: _problems,
        load.Refused: _problems,
        Unreadable: _sentence,
        NoCurrentKey: _sentence,
        AccessTokenException: _sentence,
        edit.Refused: _sentence,
        OSError: _os_error,
    }
)


class Refusing(click.Group):
    """A group whose commands may raise what the issuer raises."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command, and turns what it raises into a refusal."""
        try:
            return super().invoke(ctx)
        except tuple(_LINES) as error:
            _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        raise error  # nobody reads any more: click leaves quietly
    lines = next(lines for kind, lines in _LINES.items() if isinstance(error, kind))
    raise Refusal(*lines(error), *_advice(error)) from None


def _advice(error: Exception) -> Iterable[str]:
    if "No such file" in str(error):
        yield "`issuer init` writes both files; --registry and --keyring say where they are."
