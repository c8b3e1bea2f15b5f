"""``issuer init``: a registry, a key ring, and the three lines that show them at work."""

import json
import os
import shutil
import sys
from pathlib import Path
from shlex import quote

import click

from issuer import registry
from issuer.cli import clock
from issuer.cli.page import columns
from issuer.cli.place import Place, pass_place
from issuer.metadata import TOKEN
from issuer.registry import secret
from issuer.registry.client import ID_TOKEN_ALG
from issuer.token import OFFERED
from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM
from keys.ring import KeyRing, write

CLIENT_ID = "demo"
RESOURCE = "https://api.example"

REGISTRY = """\
# Everything the issuer knows about others. There is no secret in here: it can live in git.
# Running workers pick up a change within seconds, or keep what they have if it is not good;
# `issuer check` says beforehand which it would be.
#
# With `issuer schema > registry.schema.json` beside it, an editor that knows the next line
# (Even Better TOML, taplo) completes and checks while you type:
#:schema ./registry.schema.json

[issuer]
url = {url}         # the issuer identifier: https, except on this machine
access_token_lifetime = 600           # seconds, here and everywhere
refresh_token_lifetime = 2592000      # from the user's authorization; refreshing never extends it
authorization_code_lifetime = 60      # 25 without a store: nothing else stops a second use
replay_store = "sqlite:replay.db"     # remembers what was used once; without it, nothing does

# An API that tokens are for: the `aud` of a token. `issuer resource add` adds another.
[resources."{resource}"]
scopes = ["read", "write"]

# An application that asks for tokens. `issuer client add` adds another, `issuer client secret demo`
# gives this one a new secret. The fields have their names from RFC 7591.
[clients.{client_id}]
client_name = "Demo"
token_endpoint_auth_method = "client_secret_basic"
client_secrets = [
    {{ hash = "{hash}" }},
]
grant_types = ["client_credentials"]
scope = "read write"
resources = ["{resource}"]   # the first is the default

# What the consent page says of a scope.
[scopes]
read = "Read your data"
write = "Change your data"

# People whom the issuer itself can authenticate: `issuer user add alice` adds one here.
"""

GUNICORN = """\
# `gunicorn`, in this directory, serves the issuer: one worker per core, on 127.0.0.1:8000, or on
# all addresses, IPv6 and IPv4, at $PORT.
# What stands below the import changes a setting: bind = "0.0.0.0:8443", workers = 4, …
from issuer.gunicorn_settings import *  # noqa
"""


def default_url() -> str:
    """The URL of an issuer on this machine, at the port that gunicorn would take too."""
    return f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


@click.command
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), default=".")
@click.option("--url", default=default_url, metavar="URL", help="The issuer identifier.")
@click.option(
    "--alg",
    type=click.Choice(list(ALGORITHMS)),
    default=DEFAULT_ALGORITHM,
    help="By which access tokens are signed. On PS256, see `issuer keys add`.",
)
@pass_place
def init(place: Place, directory: Path, url: str, alg: str) -> None:
    """Write a registry and a key ring, and show how to use them.

    The registry has one resource and one client, whose secret is printed this once. What is there
    already is left alone.

    \b
    Examples:
      issuer init && gunicorn
      issuer init --directory /etc/issuer --url https://login.example
    """
    place = Place(directory / place.registry, directory / place.keyring)
    settings = directory / "gunicorn.conf.py"
    found = _found(place)
    made, text = _registry_text(url)
    directory.mkdir(parents=True, exist_ok=True)
    rows = [
        (place.registry, _write_new(place.registry, text), "clients, resources, users; no secret"),
        (place.keyring, _write_ring(place.keyring, alg), "the private keys; nobody else's to read"),
        (settings, _write_new(settings, GUNICORN), "how it is served"),
    ]
    said = [(str(path), what if new else "was there, left alone") for path, new, what in rows]
    click.echo("\n" + columns(said, indent="  "))
    click.echo(next_steps(directory, found or url, None if found else made))
    place.load(clock.now())  # what was there and what is new may not fit


def _found(place: Place) -> str | None:
    """The issuer of the registry that is there; whatever is there is good, or refused now."""
    if place.keyring.exists():
        place.read_ring()
    return place.read_registry().issuer.url if place.registry.exists() else None


def _write_ring(path: Path, alg: str) -> bool:
    """True where there was no key ring, and now is one."""
    if path.exists():
        return False
    write(path, KeyRing.new(alg, clock.now(), ID_TOKEN_ALG))
    return True


def _registry_text(url: str) -> tuple[str, str]:
    """The demo client's secret, and a registry that knows its hash."""
    made = secret.generate()
    text = REGISTRY.format(
        url=json.dumps(url),
        resource=RESOURCE,
        client_id=CLIENT_ID,
        hash=secret.sha256_hash(made),
    )
    try:
        registry.parse({"registry.toml": text.encode()}, OFFERED)
    except registry.InvalidRegistry as invalid:
        sentence = "; ".join(problem.message for problem in invalid.problems)
        raise click.BadParameter(f"{url} {sentence}", param_hint="--url") from None
    return made, text


def _write_new(path: Path, text: str) -> bool:
    """True where there was no file, and now is one."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def next_steps(directory: Path, url: str, made: str | None) -> str:
    serve = _command("gunicorn", directory)
    if directory.resolve() != Path.cwd():
        serve = f"cd {quote(str(directory))} && {serve}"
    steps = [("Serve:", serve)]
    if made:
        steps += [
            ("Get a token, in another terminal:", get_token(url, made)),
            (
                "Verify it there, knowing nothing but the URL:",
                f'{_command("python", directory)} -m keys {quote(url)} "$TOKEN"',
            ),
        ]
    page = "".join(f"\n{say}\n\n    {line}\n" for say, line in steps)
    if made:
        shown = [("client_id", CLIENT_ID), ("client_secret", f"{made}   (shown this once)")]
        page = f"\n{columns(shown, indent='  ')}\n{page}"
    return page


def get_token(url: str, made: str) -> str:
    """The line that gets the demo client a token, into a variable and not onto the disk."""
    request = (
        f"curl -sS -u {CLIENT_ID}:{made} -d grant_type=client_credentials {quote(url + TOKEN)}"
    )
    return f"TOKEN=$({request})"


def _command(name: str, directory: Path) -> str:
    """How to start ``name`` of this interpreter's environment from ``directory``."""
    python = Path(sys.executable)
    path = python if name == "python" else python.with_name(name)
    if Path.cwd() == directory.resolve() and path.is_relative_to(Path.cwd()):
        return quote(str(path.relative_to(Path.cwd())))
    found = shutil.which(name)
    return name if found and Path(found) == path else quote(str(path))
