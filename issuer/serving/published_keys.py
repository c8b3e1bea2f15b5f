"""The keys that clients and federations publish, at hand: fetched once, and kept up to date.

Who needs keys that were never fetched waits for them, and so does who signed with a key that is new
(but anybody can make one up, so that is asked once in a while). Everybody else is served from what
is there, which is fetched again in the background before it is out of date, and stays for a while
where that fails.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from issuer.errors import TemporarilyUnavailable
from issuer.protocol.form import Form
from issuer.protocol.published_keys import Needed, needed, needed_of_federations
from issuer.registry import address, client_keys
from issuer.registry.client_keys import ClientKeys
from issuer.server import AuthorizationServer
from keys.deadline import opener
from keys.encoding import parse_object
from keys.fetching import TIMEOUT, Document, FetchFailed, fetch
from keys.key_set import DEFAULT_FRESHNESS, MAX_FRESHNESS, MAX_STALENESS, REFETCH_INTERVAL
from keys.peers import is_trusted

THREADS = 16
"""Clients that one worker asks for their keys at once: some may be slow to answer."""

FIRST_DELAY = 5
"""Seconds after which a client that could not be asked is asked again; then twice as long."""

LONGEST_DELAY = 60
"""Seconds between two tries, at most."""

HELD = 10_000
"""Key sets that one worker keeps."""

_EARLY = 0.8  # The part of their freshness after which keys are fetched again, while they serve.

_ACCEPT = "application/jwk-set+json, application/json"

log = logging.getLogger("issuer.client_keys")

Fetch = Callable[[str, tuple[str, ...]], Document]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one ``jwks_uri``: to be replaced, never changed."""

    keys: ClientKeys | None = None
    fetched_at: int = 0
    freshness: int = DEFAULT_FRESHNESS
    asked_at: int = 0
    failures: int = 0
    """How often it failed since it last did not."""

    def usable(self, now: int) -> ClientKeys | None:
        return self.keys if now < self.fetched_at + MAX_STALENESS else None

    def is_early(self, now: int) -> bool:
        return now < self.fetched_at + self.freshness * _EARLY

    def next_at(self) -> int:
        """When it may be asked again."""
        if not self.failures:
            return self.asked_at + REFETCH_INTERVAL
        return self.asked_at + min(FIRST_DELAY << min(self.failures - 1, 9), LONGEST_DELAY)


class PublishedKeys:
    """Of one worker. It belongs to one event loop, and is used from there alone."""

    def __init__(self, *, clock: Callable[[], int], fetch: Fetch | None = None) -> None:
        self._clock = clock
        self._fetch = fetch or fetch_keys
        self._known: dict[str, _Known] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="client_keys")

    async def of(
        self, server: AuthorizationServer, form: Form, certificate: bytes | None = None
    ) -> ClientKeys | None:
        """The keys that the client named in ``form`` publishes, where it, and the certificate of
        who sent it, cannot be judged without.

        Raises:
            TemporarilyUnavailable: they are not to be had. Never ``invalid_client``: what the
                client signed may be as good as ever.
        """
        if not server.registry.has_published_keys:  # so in most registries
            return None
        need = needed(server.registry, form, certificate)
        return None if need is None else await self._of(need, server)

    async def of_federations(
        self, server: AuthorizationServer, form: Form
    ) -> Mapping[str, ClientKeys]:
        """The keys of each federation whose token is in ``form``, where it publishes them.

        Raises:
            TemporarilyUnavailable: as ``of``.
        """
        needs = needed_of_federations(server.registry, form)
        return {need.federation: await self._of(need, server) for need in needs}

    async def _of(self, need: Needed, server: AuthorizationServer) -> ClientKeys:
        networks = server.registry.issuer.jwks_uri_networks
        known, now = self._known.get(need.jwks_uri, _Known()), self._clock()
        keys = known.usable(now)
        if keys is not None and need.are_in(keys):
            if not known.is_early(now) and known.next_at() <= now:
                self._ask(need, networks)  # for those who come later
            return keys
        if known.asked_at == 0 or known.next_at() <= now or need.jwks_uri in self._under_way:
            await self._answer(self._ask(need, networks))
            known = self._known.get(need.jwks_uri, _Known())
            keys = known.usable(now)
        if keys is None or (known.failures and not need.are_in(keys)):
            error = TemporarilyUnavailable(
                f"The keys of the {need.whose} are not to be had; try again.",
                detail=f"the {need.whose}'s keys cannot be read from where it publishes them",
                retry_after=max(1, known.next_at() - now),
            )
            error.client_id = need.client_id
            raise error
        return keys

    def close(self) -> None:
        """Lets go of the threads; what is under way ends with them."""
        for task in self._under_way.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, need: Needed, networks: tuple[str, ...]) -> "asyncio.Task[None]":
        """The one fetch from there that is under way."""
        task = self._under_way.get(need.jwks_uri)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._keep(need, networks))
            self._under_way[need.jwks_uri] = task
        return task

    @staticmethod
    async def _answer(task: "asyncio.Task[None]") -> None:
        """Waits, but not for a resolver that keeps no deadline, nor any less for being left."""
        await asyncio.wait([task], timeout=TIMEOUT + 1)

    async def _keep(self, need: Needed, networks: tuple[str, ...]) -> None:
        uri, loop = need.jwks_uri, asyncio.get_running_loop()
        known = self._known.pop(uri, _Known())
        while len(self._known) >= HELD:
            self._known.pop(next(iter(self._known)))
        self._known[uri] = known
        try:
            document = await loop.run_in_executor(self._threads, self._find, need, networks)
            keys = client_keys.usable(document.body)
        except (FetchFailed, ValueError) as error:
            known = replace(known, asked_at=self._clock(), failures=known.failures + 1)
            _say(need, error, has_keys=known.keys is not None)
        else:
            now, age = self._clock(), document.max_age
            age = DEFAULT_FRESHNESS if age is None else age
            freshness = min(max(age, REFETCH_INTERVAL), MAX_FRESHNESS)
            known = _Known(keys, now, freshness, asked_at=now)
        finally:
            self._known[uri] = known
            self._under_way.pop(uri, None)

    def _find(self, need: Needed, networks: tuple[str, ...]) -> Document:
        """The JWK Set of ``need``, by way of a discovery document where it says no more."""
        document = self._fetch(need.jwks_uri, networks)
        if not need.issuer:
            return document
        return self._fetch(discovered(document.body, need.issuer), networks)


def discovered(document: bytes, issuer: str) -> str:
    """Where the keys of ``issuer`` are, by its discovery ``document``.

    Raises:
        ValueError: the document is another's (OpenID Connect Discovery 1.0 section 4.3), or says
            nothing of keys that are published safely.
    """
    said = parse_object(document)
    if said.get("issuer") != issuer:
        raise ValueError("its discovery document is another issuer's")
    jwks_uri = said.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not jwks_uri.startswith("https://"):
        raise ValueError("its discovery document has no jwks_uri by https")
    return jwks_uri


def fetch_keys(uri: str, networks: tuple[str, ...]) -> Document:
    """The JWK Set at ``uri``, asked at a public address or one in ``networks``, and directly.

    Raises:
        FetchFailed: it is not to be had.
    """

    def admits(found: str) -> bool:
        return address.is_public(found) or is_trusted(found, networks)

    by = opener(TIMEOUT, admits)
    return fetch(uri, by, accept=_ACCEPT, max_bytes=client_keys.MAX_BYTES)


def _say(need: Needed, error: Exception, *, has_keys: bool) -> None:
    name = {"federation": need.federation} if need.federation else {"client_id": need.client_id}
    fields = {**name, "detail": str(error)}
    whose = f"keys of a {need.whose}"
    stay = f"the {whose} stay as they are" if has_keys else f"no {whose}"
    log.warning(stay, extra={"fields": fields})
