"""Proving a secret, or needing none: shared by the methods of client authentication."""

from issuer.client_auth.credentials import Credentials
from issuer.registry.client import ClientSecret
from issuer.registry.secret import matches


def prove_secret(
    secrets: tuple[ClientSecret, ...], credentials: Credentials, now: int
) -> str | None:
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


def no_proof(_: tuple[ClientSecret, ...], __: Credentials, ___: int) -> str | None:
    """A public client proves nothing: PKCE and its redirect URI stand in for that."""
    return ""
