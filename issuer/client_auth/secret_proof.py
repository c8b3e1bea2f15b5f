"""Proving a secret, or needing none: shared by the methods of client authentication."""

from typing import Any

from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.protocol.request import TokenRequest
from issuer.registry.callers import Caller, Callers
from issuer.registry.client import ClientSecret
from issuer.registry.secret import matches
from issuer.server import AuthorizationServer

_NOTHING = Proved()


def prove_secret(
    _: AuthorizationServer, caller: Caller, credentials: Credentials, request: TokenRequest
) -> Proved:
    """Which of the secrets of ``caller`` was presented.

    Raises:
        NotProved: it is none that is live.
    """
    credential = compare(caller.client_secrets, credentials, request.received_at)
    if credential is None:
        raise NotProved("wrong secret")
    return Proved(credential)


def pretend_secret(callers: Callers[Any], credentials: Credentials, now: int) -> None:
    """The work of ``prove_secret``, for one whom nobody knows."""
    compare(callers.decoy_secrets(credentials.client_id), credentials, now)


def compare(secrets: tuple[ClientSecret, ...], credentials: Credentials, now: int) -> str | None:
    """Which of ``secrets`` was presented, for the log; None where it is none that is live.

    Every one is compared, live or not, so that the time taken tells nothing.
    """
    if credentials.secret is None:
        return None
    proved = None
    for number, each in enumerate(secrets):
        if matches(each.hash, credentials.secret) and each.is_live(now):
            proved = f"client_secrets[{number}]"
    return proved


def no_proof(_: AuthorizationServer, __: Caller, ___: Credentials, ____: TokenRequest) -> Proved:
    """A public client proves nothing: PKCE and its redirect URI stand in for that."""
    return _NOTHING
