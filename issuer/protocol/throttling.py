"""Who guessed wrong how often, and how long that makes them wait (RFC 6819 section 5.1.4.2.3).

A guess is counted under the client or user that it is for together with the address that it comes
from: whoever guesses makes nobody wait but those who share both with them.
"""

from collections import OrderedDict
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

import msgspec

from issuer.registry import precis
from keys import peers
from keys.encoding import to_base64url

FREE = 5
"""Wrong guesses until somebody has to wait: people mistype."""
LONGEST = 300
"""Seconds that anybody has to wait at most."""
FORGIVEN_AFTER = 3600
"""Seconds after the last wrong guess until all of them are forgotten. As long as it takes to wait
fourteen times, so it is no use to pause until one may guess freely again."""
NAMES = 32
"""Clients and users that are told apart of one address; all others count as one, so that trying
many names is slowed down as trying many passwords is, and takes no memory."""
CAPACITY = 16_384
"""Pairs of a name and an address that one process remembers, in some megabytes."""
CODES = 100
"""Wrong codes of devices in a ``CODES_WINDOW``, whoever types them, after which nobody's is looked
at until its end. With a thousand logins open, one of them would be hit in half a year."""
CODES_WINDOW = 60
"""Seconds."""

CLIENT, USER, USER_CODE = "client", "user", "user_code"
_OTHERS = b"others"  # no digest is as short


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """A secret or password that somebody presents: for whom, and from where."""

    kind: str
    """``CLIENT``, ``USER`` or ``USER_CODE``."""
    name: str
    """The client_id or login, as it was sent: known or not, all are counted alike."""
    address: str
    who: str = ""
    """Whose it is, for the log; empty where nobody is called ``name``."""

    def __repr__(self) -> str:  # people type passwords where their name belongs
        return f"Guess({self.kind!r}, who={self.who!r}, address={self.address!r})"

    @property
    def network(self) -> str:
        """Those who share it count as one."""
        return network(self.address)

    @property
    def digest(self) -> bytes:
        """Stands for the name, in so many bytes whatever was sent."""
        name = self.name
        if self.kind == USER:
            name = precis.same_address(precis.same_username(name))
        return sha256(f"{self.kind}:{name}".encode(errors="surrogatepass")).digest()[:16]


def of_client(client_id: str, address: str, *, who: str = "") -> Guess:
    """A guess of a client's secret."""
    return Guess(kind=CLIENT, name=client_id, address=address, who=who)


def of_user(login: str, address: str, *, who: str = "") -> Guess:
    """A guess of a user's password."""
    return Guess(kind=USER, name=login, address=address, who=who)


def of_user_code(address: str) -> Guess:
    """A guess of the code that some device shows: whichever, all are counted as one."""
    return Guess(kind=USER_CODE, name="", address=address)


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """The part of ``address`` that its owner cannot choose: of IPv6 the first 64 bits.

    A household or a server has a /64 to itself and picks from it as it likes (RFC 6177).
    """
    parsed = peers.parse(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address if parsed is None else str(parsed)


def delay(failures: int) -> int:
    """Seconds to wait after the last of so many wrong guesses: none at first, then 1, 2, 4 …"""
    if failures < FREE:
        return 0
    return min(1 << min(failures - FREE, LONGEST.bit_length()), LONGEST)


class Failures(NamedTuple):
    """Wrong guesses of one kind, and when the last one was."""

    number: int = 0
    last_at: int = 0

    def is_forgiven(self, now: int) -> bool:
        """Whether they are too long ago to matter."""
        return now >= self.last_at + FORGIVEN_AFTER

    def wait(self, now: int) -> int:
        """Seconds from ``now`` until the next guess is looked at.

        A clock that was set back makes nobody wait for longer than it was set back.
        """
        seconds = delay(self.number)
        return max(0, min(self.last_at + seconds - now, seconds))


class _Address(msgspec.Struct):
    """What is remembered of one address."""

    names: dict[bytes, Failures] = msgspec.field(default_factory=dict)
    failed_at: int = 0


class Memory:
    """The wrong guesses that one process remembers, a bounded number of them.

    Where there is no more room, the address goes whose last failure is the longest ago. To have
    one of theirs forgotten, somebody would have to fail thousands of times from hundreds of other
    addresses, and could have guessed from those.
    """

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._pairs = 0

    def __len__(self) -> int:
        return self._pairs

    def knows(self, address: str, now: int) -> bool:
        """Whether any guess from ``address`` was wrong lately. Asked for every request."""
        if not self._addresses:
            return False
        held = self._addresses.get(network(address))
        return held is not None and now < held.failed_at + FORGIVEN_AFTER

    def failures(self, guess: Guess, now: int) -> Failures:
        """What is remembered of guesses like ``guess``."""
        held = self._addresses.get(guess.network)
        if held is None:
            return Failures()
        found = held.names.get(_key(held, guess), Failures())
        return Failures() if found.is_forgiven(now) else found

    def add(self, guess: Guess, now: int) -> Failures:
        """Counts one more, and returns what is remembered then."""
        return self.raise_to(guess, self.failures(guess, now).number + 1, now)

    def raise_to(self, guess: Guess, number: int, now: int) -> Failures:
        """Remembers that at least ``number`` like ``guess`` were wrong, the last of them now."""
        held = self._addresses.setdefault(guess.network, _Address())
        self._addresses.move_to_end(guess.network)
        if len(held.names) >= NAMES:
            for name in [name for name, each in held.names.items() if each.is_forgiven(now)]:
                self._drop(held, name)
        failures = Failures(max(number, self.failures(guess, now).number), now)
        key = _key(held, guess)
        self._drop(held, key)
        self._pairs += 1
        held.names[key], held.failed_at = failures, now
        self._make_room(now)
        return failures

    def forget(self, guess: Guess) -> int:
        """Forgives guesses for this name, whoever else's are left; returns how many there were."""
        held = self._addresses.get(guess.network)
        if held is None:
            return 0
        number = self._drop(held, guess.digest).number
        if not held.names:
            del self._addresses[guess.network]
        return number

    def shared_name(self, guess: Guess) -> str:
        """What guesses like ``guess`` are called where processes count together.

        It shows neither whom they were for nor where they came from.
        """
        held = self._addresses.get(guess.network)
        key = guess.digest if held is None else _key(held, guess)
        return "guesses:" + to_base64url(sha256(key + guess.network.encode()).digest()[:16])

    def _drop(self, held: _Address, key: bytes) -> Failures:
        dropped = held.names.pop(key, None)
        if dropped is None:
            return Failures()
        self._pairs -= 1
        return dropped

    def _make_room(self, now: int) -> None:
        while self._addresses:
            oldest = next(iter(self._addresses))
            held = self._addresses[oldest]
            if self._pairs <= CAPACITY and now < held.failed_at + FORGIVEN_AFTER:
                return
            self._pairs -= len(held.names)
            del self._addresses[oldest]


def _key(held: _Address, guess: Guess) -> bytes:
    digest = guess.digest
    return digest if digest in held.names or len(held.names) < NAMES else _OTHERS
