"""``none``: a public client, which says who it is and cannot prove it (RFC 7591 section 2)."""

from issuer.client_auth.credentials import Credentials
from issuer.client_auth.federated import is_grant
from issuer.protocol.request import TokenRequest


def read(request: TokenRequest) -> Credentials | None:
    """The client that the body names, if nothing in the request could prove it."""
    form = request.form
    client_id = form.get("client_id")
    if client_id is None or "authorization" in request.headers or form.get("client_secret"):
        return None
    if form.get("client_assertion") or is_grant(request):
        return None
    return Credentials(client_id)
