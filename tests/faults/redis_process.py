"""The Redis of the fault tests, where one is installed and the issuer has a store for it."""

from issuer.stores import STORES

try:
    from tests.redis_server import PROGRAM, RedisServer
except ImportError:
    PROGRAM, RedisServer = None, None  # type: ignore


def is_there() -> bool:
    return PROGRAM is not None and "redis" in STORES
