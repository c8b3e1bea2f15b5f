"""The end of a session: in the store, and for the clients that have to hear of it."""

from collections.abc import Callable

from issuer.browser import backchannel, sessions
from issuer.browser.backchannel import Notice
from issuer.browser.sealed import Session
from issuer.protocol.replay import ReplayStore, unavailable_store
from issuer.server import AuthorizationServer
from keys.spent import StoreUnavailable


class Ending:
    """Ends sessions. Where there is no store, a copy of the cookie lives until its own end."""

    def __init__(self, store: ReplayStore, tell: Callable[[Notice], None]) -> None:
        self._store = store
        self._tell = tell

    async def __call__(
        self, server: AuthorizationServer, session: Session | None, now: int
    ) -> None:
        """Ends ``session``, if somebody is logged in there.

        Its clients are told of it afterwards, and nobody waits for them.

        Raises:
            TemporarilyUnavailable: it is not ended, as the store cannot be told.
        """
        if session is None or not session.sub:
            return
        if server.registry.issuer.has_store:
            try:
                await self._store.revoke((sessions.end(server, session, now),), now)
            except StoreUnavailable as unavailable:
                raise unavailable_store(unavailable) from None
        for each in backchannel.notices(server, session):
            self._tell(each)

    async def replaced(
        self, server: AuthorizationServer, before: Session | None, after: Session, now: int
    ) -> None:
        """Ends ``before`` where somebody else takes its place: nobody could log out of it any more.

        Raises:
            TemporarilyUnavailable: as above.
        """
        if before is not None and before.sub != after.sub:
            await self(server, before, now)
