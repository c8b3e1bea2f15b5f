"""Logout tokens on their way to clients (OpenID Connect Back-Channel Logout 1.0 section 2.5)."""

from collections.abc import Callable
from http.client import HTTPException
from urllib.parse import urlencode
from urllib.request import Request

from issuer.browser import backchannel
from issuer.browser.backchannel import Message, Notice
from issuer.errors import TemporarilyUnavailable
from issuer.server import AuthorizationServer
from issuer.serving.outbox import Fate, Outbox, Told
from keys.deadline import opener

TIMEOUT = 5.0
"""Seconds that a client has for all of an answer: address, TLS, and the status it begins with."""

TAKEN = range(200, 300)
TRY_AGAIN = frozenset({408, 425, 429, *range(500, 600)})
"""What is no judgement of the token: it was too early, too much, or not their day."""


class LogoutTokens(Outbox[Notice]):
    """Tells clients that sessions have ended. The private ones among their addresses are as good
    as any: who may register one is a matter of the registry."""

    def __init__(
        self, *, server: Callable[[], AuthorizationServer], clock: Callable[[], int]
    ) -> None:
        super().__init__(lambda notice: _tell(server(), notice, clock()))

    def send(self, notice: Notice) -> None:
        """Has the client told, and returns at once."""
        self.put(notice.client_id, notice)


def _tell(server: AuthorizationServer, notice: Notice, now: int) -> Told:
    try:
        message = backchannel.message(server, notice, now)
    except TemporarilyUnavailable as unavailable:
        return Told(Fate.LATER, unavailable.detail)
    if message is None:
        return Told(Fate.REFUSED, "the client registers no backchannel_logout_uri any more")
    return _post(message)


def _post(message: Message) -> Told:
    """One try. A redirect is not followed: nobody registered where it leads."""
    body = urlencode({"logout_token": message.logout_token}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "issuer"}
    request = Request(message.uri, body, headers)  # noqa: S310  the registry checked it
    try:
        with opener(TIMEOUT).open(request) as response:
            status = response.status
    except (OSError, HTTPException, ValueError) as error:
        return Told(Fate.LATER, f"no answer: {getattr(error, 'reason', error)}")
    if status in TAKEN:
        return Told(Fate.TAKEN)
    return Told(Fate.LATER if status in TRY_AGAIN else Fate.REFUSED, f"answered {status}")
