"""The one mutable cell: which registry and key ring are in force.

The whole new world is read, or the old one stays. Content decides what is new: mounted volumes
swap symlinks, editors rename, and two writes can share a second. The times of the files only save
reading again what has long been still.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Generic, TypeVar

from issuer import registry
from issuer.load import (
    Contents,
    Refused,
    combine,
    is_shared,
    parse_keyring,
    parse_registry,
    read_keyring,
    read_registry,
    warn_of_keyring,
    warn_of_registry,
)
from issuer.registry import Registry, files
from issuer.registry.freeing import free, giving_way, no_collection
from issuer.server import AuthorizationServer
from keys.ring import KeyRing

INTERVAL = 1.0
"""Seconds between two looks; a change must be seen at two to count as finished."""
STAMP_AGE = 2
"""Seconds since its last change after which a file whose stamp is the same is not read again."""
MAX_LOGGED = 20
"""Problems, or warnings, that one log line names; ``issuer check`` names them all."""

log = logging.getLogger("issuer.reload")

T = TypeVar("T", Registry, KeyRing)


async def _at_an_edge(work: Callable[[], None]) -> None:
    """Does ``work`` in a thread; a mistake of ours is logged, and ends nothing."""
    try:
        await asyncio.to_thread(work)
    except Exception as error:  # noqa: BLE001  an edge: nobody else would start it again
        log.error("unexpected %s", type(error).__name__)  # noqa: TRY400  its text may quote


class Watched(Generic[T]):
    """One of the two files: what of it is in force, and what on disk is not."""

    def __init__(
        self, path: Path, read: Callable[[Path], Contents], parse: Callable[[Contents], T]
    ) -> None:
        self.path = path
        self._read = read
        self._parse: Callable[[Contents], T] = parse
        contents = read(path)
        with no_collection():
            self.value: T = parse(contents)
        self.candidate: T | None = None
        """What lies on disk, is valid, and is not in force: it may not fit the other file yet."""
        self.refused: str | None = None
        """A digest of what lies on disk and is not in force."""
        self.reason: str | None = None
        """Why it is not, in a sentence that names nobody: whoever can ask ``/readyz`` reads it."""
        self._settled = self._seen = registry.digest(contents)
        self._beside = files.key_files_of(path, contents)
        self._stamp: object = None
        """Of the files when they were last read, if it is sure to change with them."""

    def look(self, now: int) -> bool:
        """True where there is a new candidate on disk, once it has held still for two looks.

        Raises:
            Refused: what is new is not valid. Said once per change.
        """
        stamp = files.stamp(self.path, *self._beside)
        if stamp is not None and stamp == self._stamp and self._seen == self._settled:
            return False
        self._stamp = stamp if stamp is not None and stamp[0] + STAMP_AGE < now else None
        try:
            contents, fault = self._read(self.path), None
            self._beside = files.key_files_of(self.path, contents)
            seen = registry.digest(contents)
        except Refused as refused:
            # What is missing may be a file that only the new registry names: it has no stamp yet.
            contents, fault, self._stamp = {}, refused, None
            seen = registry.digest({problem: b"" for problem in refused.problems})
        held_still, self._seen = seen == self._seen, seen
        if seen == self._settled or not held_still:
            return False
        self._settled, self.refused = seen, seen  # refused until somebody accepts it
        self.candidate = None
        if fault is not None:
            self.reason = "it cannot be read"
            raise fault
        try:
            with no_collection():
                self.candidate = self._parse(contents)
        except Refused as refused:
            self.reason = f"it has {_number_of_problems(refused)}"
            raise
        return True

    def newest_first(self) -> tuple[T, ...]:
        """The candidate, if there is one, and what is in force."""
        return (self.value,) if self.candidate is None else (self.candidate, self.value)

    def accept(self, value: T) -> None:
        """Puts ``value`` in force."""
        if value is self.candidate:
            self.value, self.candidate, self.refused, self.reason = value, None, None, None

    def status(self) -> dict[str, str | None]:
        """What is not in force, and why."""
        return {"refused": self.refused, "reason": self.reason}

    def wait(self, reason: str) -> None:
        """Says why the candidate, if there is one, is not in force."""
        if self.candidate is not None:
            self.reason = reason


class TakesRestart(Refused):
    """The files are good, for a server that starts with them."""


def _number_of_problems(refused: Refused) -> str:
    number = len(refused.problems)
    return f"{number} problem{'s' * (number > 1)}, which the log and `issuer check` name"


def _why_waiting(refused: Refused) -> str:
    if isinstance(refused, TakesRestart):
        return refused.problems[0]
    return f"it does not fit the other file: {_number_of_problems(refused)}"


class Reloader:
    """Holds the snapshot, and swaps it whole when the files change.

    Raises:
        Refused: the files describe no server.
    """

    def __init__(
        self, registry_path: Path, keyring_path: Path, *, clock: Callable[[], int]
    ) -> None:
        self._clock = clock
        self._registry = Watched(registry_path, read_registry, parse_registry)
        self._keyring = Watched(keyring_path, read_keyring, parse_keyring)
        self.server = combine(self._registry.value, self._keyring.value, clock())
        self.reloads = 0
        self.refusals = 0
        self._warned: frozenset[str] = frozenset()
        """What was said already: another reload says only what is new."""

    async def watch(self) -> None:
        """Says what it warns of, and looks for changes until it is cancelled."""
        await _at_an_edge(self.warn)
        while True:
            await asyncio.sleep(INTERVAL)
            await _at_an_edge(self.look)

    def look(self) -> None:
        """Looks once, and puts in force what is new and good."""
        with giving_way():
            self._look_once()

    def _look_once(self) -> None:
        before = self.server.registry
        self._look()
        if before is not self.server.registry:
            self.warn()
            if not is_shared(before):
                records = [*before.clients.values(), *before.users.values()]
                del before
                free(records)

    def _look(self) -> None:
        """Looks at both files, and tries what is new with what is in force.

        Two files are not written in one moment. A candidate that does not fit waits for the other
        file, or for its time to come, and does not keep the other from being put in force.
        """
        looks = [self._look_at(self._registry), self._look_at(self._keyring)]
        newest = None
        for found, held in product(self._registry.newest_first(), self._keyring.newest_first()):
            if found is self._registry.value and held is self._keyring.value:
                break  # the last of the product: in force already
            try:
                server = self._check_fixed(combine(found, held, self._clock()))
            except Refused as refused:
                newest = newest or refused
            else:
                self._put_in_force(server)
                break
        if newest is not None:
            for watched in (self._registry, self._keyring):
                watched.wait(_why_waiting(newest))
            if any(looks):
                self._refuse(newest)

    def warn(self) -> None:
        """Logs what there is to warn of in what is in force, each once."""
        found = [*warn_of_registry(self.server.registry)]
        found += warn_of_keyring(self._keyring.path, self.server, self._clock())
        new = [each for each in found if each not in self._warned]
        self._warned = frozenset(found)
        if new:
            fields = {"warnings": new[:MAX_LOGGED], "number_of_warnings": len(new)}
            log.warning("the files could be safer", extra={"fields": fields})

    def status(self) -> dict[str, object]:
        """What is in force, and whether something on disk is not, for ``/readyz``."""
        return {
            "registry": {"digest": self.server.registry.digest, **self._registry.status()},
            "keyring": {"digest": self.server.ring.digest, **self._keyring.status()},
            "reloads": self.reloads,
            "refusals": self.refusals,
        }

    def _look_at(self, watched: Watched[T]) -> bool:
        try:
            return watched.look(self._clock())
        except Refused as refused:
            self._refuse(refused)
            return False

    def _check_fixed(self, server: AuthorizationServer) -> AuthorizationServer:
        now, then = self.server.registry.issuer, server.registry.issuer
        if (now.url, now.replay_store) != (then.url, then.replay_store):
            raise TakesRestart(("issuer: a new url or replay_store takes a restart",))
        return server

    def _put_in_force(self, server: AuthorizationServer) -> None:
        self._registry.accept(server.registry)
        self._keyring.accept(server.ring)
        self.server = server
        self.reloads += 1
        log.info("reloaded", extra={"fields": self.status()})

    def _refuse(self, refused: Refused) -> None:
        self.refusals += 1
        shown = refused.problems[:MAX_LOGGED]
        fields = {"problems": shown, "number_of_problems": len(refused.problems)}
        log.error("kept the last good files", extra={"fields": fields})
