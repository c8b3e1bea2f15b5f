"""The way of an authorization request through the pages: from a URL to a code, with nothing kept.

    /authorize ── Interaction ──▶ /consent ──▶ the client
                                   │    ▲
                            log in ▼    │ Session
                                  /login

``receive`` begins it, ``steps`` says on every page what has to happen next, ``answering`` ends it.
Each function answers from what the browser brought, the two files and the time.
"""

from issuer.browser import pushed
from issuer.browser.answering import refusing, refusing_unopened, refusing_unread, registered
from issuer.browser.arrival import judge, unfold
from issuer.browser.authorization_request import AuthorizationRequest
from issuer.browser.authorize import known, recipient, validate
from issuer.browser.sealed import Interaction
from issuer.errors import InvalidRequest, naming
from issuer.protocol.form import Form
from issuer.protocol.replay import Once
from issuer.protocol.sealed import fresh_id
from issuer.registry.client import Client
from issuer.registry.client_keys import ClientKeys
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable

LIFETIME = 86_400
"""Seconds for which a page can be come back to. It is worth no more than the URL that led to it."""

LEGIBLE = 7 * 86_400
"""Seconds for which one that is too old still knows the way back to the application."""


class Expired(Exception):
    """The text is no interaction of this issuer, or it began too long ago."""

    def __init__(self, client_id: str = "") -> None:
        super().__init__("expired")
        self.client_id = client_id
        """Whose interaction it was, where that can still be read."""


def receive(
    server: AuthorizationServer, form: Form, now: int, keys: ClientKeys | None = None
) -> tuple[Interaction, tuple[Once, ...]]:
    """What the authorization endpoint was sent, checked, and what of it may be used once.

    ``keys`` are those that its client publishes, where it has none in the registry.

    Raises:
        AccessTokenException: there is nobody to tell but the person before the browser.
        Answered: the client hears it.
    """
    client_id = form.require("client_id")
    with naming(registered(server, client_id)):
        return _receive(server, form, known(server, client_id), now, keys)


def _receive(
    server: AuthorizationServer, form: Form, client: Client, now: int, keys: ClientKeys | None
) -> tuple[Interaction, tuple[Once, ...]]:
    client_id = client.client_id
    if form.get("request_uri") is not None:
        with refusing_unopened(server, form, client, now):
            if form.get("request") is not None:
                raise InvalidRequest("A request and a request_uri are two requests.")
            held = pushed.resolve(server, form.require("request_uri"), client_id, now)
        with refusing(server, held.request, now):
            validate(server, held.request)
        return begin(held.request, now), (pushed.once(held),)
    with refusing_unopened(server, form, client, now):
        arrival = unfold(server, client, form, keys)
    uri, scope = arrival.form.get("redirect_uri"), arrival.form.get("scope")
    _, redirect_uri = recipient(server, client_id, uri, scope)
    with refusing_unread(server, arrival.form, client_id, redirect_uri, now):
        request, once = judge(server, arrival, now, is_pushed=False)
    return begin(request, now), once


def seal(server: AuthorizationServer, interaction: Interaction, now: int) -> str:
    """``interaction`` as a parameter of URLs.

    Raises:
        Answered: it is too long for that.
        TemporarilyUnavailable: the key ring has no current key.
    """
    with refusing(server, interaction.request, now):
        try:
            return server.seal(interaction, now=now)
        except ValueError:
            raise InvalidRequest("The request is too long.") from None


def resume(server: AuthorizationServer, text: str | None, now: int) -> Interaction:
    """The interaction that a page came back with.

    Raises:
        Expired: it is none, or too old.
    """
    try:
        interaction = server.sealer.open(Interaction, text or "", now=now)
    except Unsealable:
        raise Expired from None
    if now >= interaction.issued_at + LIFETIME:
        raise Expired(interaction.request.client_id)
    return interaction


def begin(request: AuthorizationRequest, now: int) -> Interaction:
    """A new interaction, each time: what was done for one must not answer another's prompt."""
    expires_at = now + LIFETIME + LEGIBLE
    return Interaction(id=fresh_id(), request=request, issued_at=now, expires_at=expires_at)
