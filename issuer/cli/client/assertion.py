"""``issuer client assertion``: what a client signs to prove who it is, to try it out by hand."""

from pathlib import Path
from secrets import token_urlsafe

import click

from issuer.cli import clock
from issuer.cli.client.key_pair import default_path
from issuer.cli.page import note
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.client_auth.private_key_jwt import ASSERTION_TYPE
from issuer.metadata import TOKEN
from keys import file_text, private_file
from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM
from keys.encoding import parse_object
from keys.signing import SigningKey

LIFETIME = 60
"""Seconds."""

TYP = "client-authentication+jwt"


@click.command("assertion")
@click.argument("client_id", metavar="ID")
@click.option(
    "--private-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Its private key, a JWK; ID.jwk.json beside the registry if left out.",
)
@pass_place
def new_assertion(place: Place, client_id: str, private_key: Path | None) -> None:
    """Print an assertion that proves, once, that a client asks.

    Applications make these with a library; this is for the first token. Why one is refused, the
    log of the issuer says.

    \b
    Examples:
      issuer client assertion billing
      curl http://127.0.0.1:8000/token -d grant_type=client_credentials \\
        -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
        -d client_assertion=$(issuer client assertion billing)
    """
    issuer, now = place.read_registry().issuer.url, clock.now()
    key = _read(private_key or default_path(place, client_id), now)
    claims = {
        "iss": client_id, "sub": client_id, "aud": issuer, "jti": token_urlsafe(),
        "iat": now, "exp": now + LIFETIME,
    }  # fmt: skip
    click.echo(key.sign(TYP, claims))
    note(
        f"\nGood once, for {LIFETIME} seconds, at {issuer}{TOKEN}, "
        f"with client_assertion_type={ASSERTION_TYPE}"
    )


def _read(path: Path, now: int) -> SigningKey:
    try:
        jwk = parse_object(file_text.unmarked(private_file.read(path)))
        alg = jwk.get("alg", DEFAULT_ALGORITHM)
        row = ALGORITHMS[alg if isinstance(alg, str) else ""]
        return SigningKey(alg=row.name, private_key=row.load_private(jwk), activates_at=now)
    except KeyError:
        raise Refusal(f"{path}: its alg is none of {', '.join(ALGORITHMS)}") from None
    except private_file.UnfitFile as unfit:
        raise Refusal(str(unfit)) from None
    except ValueError as error:
        raise Refusal(f"{path}: {error}") from None
