"""What a token is, in words: ``python -m keys ISSUER [TOKEN]``.

It is verified with nothing but the issuer's URL. A person asks here and is told why a token is
refused; the sender of a request is not.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from keys import claims as claims_of
from keys import jws
from keys.access_tokens import LEEWAY, AccessTokens
from keys.claims import AccessToken, Confirmation
from keys.clock import seconds
from keys.encoding import from_base64url, parse_object
from keys.errors import InsufficientScope, InvalidToken, Unavailable
from keys.revocations import STALE_AFTER

_PROOFS = {
    "jkt": "the key, of which each request has a DPoP proof,",
    "x5t#S256": "the certificate, by which each request is sent,",
}

VALID, REFUSED, UNDECIDED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 for a valid token, 1 for a refused one, 2 where neither can be said."""
    options = _parser().parse_args(arguments)
    try:
        _explain(options, _token(options.token or sys.stdin.read()))
    except (InvalidToken, InsufficientScope) as refused:
        print(f"refused     {refused.detail}")
        return REFUSED
    except Unavailable as unavailable:
        print(f"cannot say  {unavailable.detail}")
        return UNDECIDED
    except ValueError as mistake:
        print(f"cannot say  {mistake}")
        return UNDECIDED
    return VALID


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m keys",
        description="Verify an access token with nothing but the URL of its issuer.",
        epilog="Exit code: 0 valid, 1 refused, 2 neither can be said.",
    )
    parser.add_argument("issuer", metavar="ISSUER", help="URL of the issuer, as in iss")
    parser.add_argument(
        "token",
        metavar="TOKEN",
        nargs="?",
        help="the token, or the JSON that the token endpoint answered; read from stdin if left out",
    )
    parser.add_argument("--audience", help="refuse a token for anybody else")
    parser.add_argument("--scope", default="", help="refuse a token that was granted less")
    parser.add_argument(
        "--revocations", action="store_true", help="refuse a token that the issuer revoked"
    )
    return parser


def _explain(options: argparse.Namespace, token: str) -> None:
    now = int(time.time())  # noqa: TID251 - a command is an edge of its own
    audience = options.audience or _audience(token)
    # Not a Verifier: nobody shows the token here, so what it is bound to is told and not proved.
    tokens = AccessTokens(options.issuer, audience, None, typ="at+jwt", leeway=LEEWAY, read=_read)
    tokens.follow(options.revocations, STALE_AFTER, seconds)
    access_token = tokens.verify(token, now)
    for name, value in _lines(access_token, now, is_audience_checked=bool(options.audience)):
        print(f"{name:<11} {value if value.isprintable() else ascii(value)}")
    if options.revocations:
        print("revoked     no")
    access_token.require(*options.scope.split())


def _read(claims: dict[str, Any], _: int) -> AccessToken:
    return claims_of.read(claims, confirmation=claims_of.read_confirmation(claims))


def _lines(token: AccessToken, now: int, *, is_audience_checked: bool) -> list[tuple[str, str]]:
    left = token.expires_at - now
    return [
        ("valid", "an access token"),
        ("issuer", token.issuer),
        ("subject", f"{token.subject}{' (the client itself)' if token.is_client else ''}"),
        ("client", token.client_id),
        ("audience", token.audience + ("" if is_audience_checked else " (not checked)")),
        ("scope", " ".join(sorted(token.scope)) or "none"),
        ("expires", f"in {left} s" if left > 0 else f"{-left} s ago, within the leeway"),
        *_bound(token.confirmation),
    ]


def _bound(confirmation: Confirmation | None) -> list[tuple[str, str]]:
    if confirmation is None:
        return []
    return [("bound to", f"{_PROOFS[confirmation.method]} {confirmation.thumbprint}")]


def _token(text: str) -> str:
    """The token in ``text``, which is either the token itself or the answer that brought it."""
    text = text.strip()
    if not text.startswith("{"):
        return text
    token = parse_object(text.encode()).get("access_token")
    if not isinstance(token, str):
        raise ValueError("the JSON has no access_token")  # noqa: TRY004 - the text is wrong
    return token


def _audience(token: str) -> str:
    """Whom ``token`` says it is for, so that it can be verified for them, whoever they are."""
    payload = jws.parse(token).payload
    try:
        audience = parse_object(from_base64url(payload)).get("aud")
    except ValueError as error:
        raise InvalidToken(f"payload: {error}") from None
    alone = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    if not isinstance(alone, str) or not alone:
        raise InvalidToken("aud is not one audience")
    return alone


if __name__ == "__main__":
    sys.exit(main())
