"""``client_secret_post``: the secret in the body (RFC 6749 section 2.3.1)."""

from issuer.client_auth.credentials import Credentials
from issuer.protocol.request import TokenRequest


def read(request: TokenRequest) -> Credentials | None:
    """The credentials of the body, if there is a secret in it.

    A secret without a client_id names no client, and so none that is known.
    """
    secret = request.form.get("client_secret")
    if secret is None:
        return None
    return Credentials(request.form.get("client_id") or "", secret)
