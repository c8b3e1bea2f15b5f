"""``issuer device``: a device of a client, at the issuer that runs."""

import json
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode
from urllib.request import Request, urlopen

import click

from issuer.cli import qr
from issuer.cli.page import note, words
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.metadata import DEVICE_AUTHORIZATION, TOKEN
from issuer.protocol.device import GRANT_TYPE, INTERVAL
from issuer.registry.client import Client
from keys import file_text

PATIENCE = 10
"""Seconds to wait for one answer."""

LENGTHENED_BY = 5
"""Seconds that ``slow_down`` adds to the interval (RFC 8628 section 3.5)."""

MAX_ANSWER = 65_536

WAITING = ("authorization_pending", "slow_down", "temporarily_unavailable")


class Answer(NamedTuple):
    """What the issuer answered."""

    body: Mapping[str, Any]
    retry_after: int
    """Seconds; 0 where it did not say."""

    @property
    def error(self) -> str:
        """By which error it refused; empty where it did not."""
        return str(self.body.get("error", ""))


@click.command
@click.option("--client", "client_id", required=True, metavar="ID", help="Whose device it is.")
@click.option("--scope", help="Space-separated; what the client gets unasked if left out.")
@click.option("--resource", multiple=True, metavar="URI", help="Repeat for several.")
@click.option("--secret-stdin", is_flag=True, help="Read the client's secret from stdin.")
@click.option(
    "--svg",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the QR code there, as an <svg> for a page to have in it.",
)
@pass_place
def device(
    place: Place,
    client_id: str,
    *,
    scope: str | None,
    resource: tuple[str, ...],
    secret_stdin: bool,
    svg: Path | None,
) -> None:
    """Be a device without a browser, at the issuer that runs (RFC 8628).

    Shows the code and the link for its user, as a QR code too, and asks until they have decided.
    What the device gets then is printed as JSON: tokens, so mind who reads it.

    \b
    Examples:
      issuer device --client tv
      issuer device --client tv --scope "openid read" --svg code.svg
      pass show console | issuer device --client console --secret-stdin
    """
    registry = place.read_registry()
    client = registry.clients.get(client_id)
    if client is None:
        raise click.UsageError(f"there is no client {client_id}; `issuer client list` names them")
    if svg is not None and not qr.can_draw():
        raise click.UsageError(qr.NEEDED)
    url, proof = registry.issuer.url, _proof(client, from_stdin=secret_stdin)
    asked = [("scope", scope)] if scope else []
    asked += [("resource", each) for each in resource]
    begun = _post(url + DEVICE_AUTHORIZATION, proof, asked)
    if begun.error:
        raise Refusal(_refused(begun))
    _show(begun.body, svg)
    click.echo(json.dumps(_wait(url + TOKEN, proof, begun.body), indent=2))


class _Proof(NamedTuple):
    fields: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]


def _proof(client: Client, *, from_stdin: bool) -> _Proof:
    """How the device says, or proves, which client it is of."""
    named = (("client_id", client.client_id),)
    if client.is_public:
        return _Proof(named, {})
    if not client.token_endpoint_auth_method.startswith("client_secret_"):
        method = client.token_endpoint_auth_method
        raise click.UsageError(f"{client.client_id} proves who it is by {method}, which is its own")
    if not from_stdin:
        raise click.UsageError(f"{client.client_id} has a secret: pass it with --secret-stdin")
    secret = file_text.decode(sys.stdin.buffer.readline()).rstrip("\r\n")
    if client.token_endpoint_auth_method == "client_secret_post":
        return _Proof((*named, ("client_secret", secret)), {})
    pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
    return _Proof(named, {"Authorization": "Basic " + b64encode(pair.encode()).decode()})


def _show(begun: Mapping[str, Any], svg: Path | None) -> None:
    link = str(begun["verification_uri_complete"])
    if qr.can_draw():
        note(qr.drawn(link))
    else:
        note(f"({qr.NEEDED})\n")
    note(f"Open {begun['verification_uri']} and enter the code\n\n  {begun['user_code']}\n")
    note(f"or open {link}")
    note(f"It is good for {words(int(begun['expires_in']))}.")
    if svg is not None:
        svg.write_text(qr.svg(link) + "\n")
        note(f"The QR code is in {svg}.")


def _wait(url: str, proof: _Proof, begun: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tokens. Asks as a device does, no more often than it is told to."""
    interval = int(begun.get("interval", INTERVAL))
    asking = [("grant_type", GRANT_TYPE), ("device_code", str(begun["device_code"]))]
    while True:
        time.sleep(interval)
        answer = _post(url, proof, asking)
        if not answer.error:
            return answer.body
        if answer.error not in WAITING:
            raise Refusal(_refused(answer))
        if answer.error == "slow_down":
            interval += LENGTHENED_BY
        time.sleep(answer.retry_after)


def _post(url: str, proof: _Proof, fields: list[tuple[str, str]]) -> Answer:
    body = urlencode([*proof.fields, *fields]).encode()
    request = Request(url, body, dict(proof.headers))  # noqa: S310  https, or loopback
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  the same
            return _read(answer, 0)
    except HTTPError as refused:
        with refused:
            wait = refused.headers.get("Retry-After") or "0"
            return _read(refused, int(wait) if wait.isdecimal() else 0)
    except (OSError, HTTPException) as error:
        raise Refusal(f"{url}: {error}", "Does the issuer run, and is that its URL?") from None


def _read(answer: Any, retry_after: int) -> Answer:
    try:
        body = json.loads(answer.read(MAX_ANSWER))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(f"{answer.url}: what answers there is no token issuer with a store")
    return Answer(body, retry_after)


def _refused(answer: Answer) -> str:
    return f"{answer.error}: {answer.body.get('error_description', '')}"
