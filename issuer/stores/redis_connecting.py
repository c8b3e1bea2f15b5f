"""How to get to a Redis: redis-py knows the ways, over TLS, by Sentinel and into a cluster."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from issuer.stores import redis_url
from issuer.stores.redis_url import Address

ASIDE_TIMEOUT = 0.2
"""Seconds for a Sentinel, or a node of a cluster, to say where to go; then the next is asked."""


class NoPassword(Exception):
    """The file that should hold it cannot be read."""


UNREACHABLE = (RedisError, RedisClusterException, OSError, ValueError, NoPassword)
"""What ``connect`` raises. Their text may hold what was sent: log their type alone."""


async def connect(address: Address, key: str) -> tuple[AbstractConnection, int]:
    """A connection to where ``key`` is written, and what time it is there, in ms since 1970.

    The connection is signed in, and the caller's to close.

    Raises:
        UNREACHABLE: there is none.
    """
    options = _options(address, password(redis_url.PASSWORD_VARIABLE))
    if address.kind == redis_url.UNIX:
        connection: AbstractConnection = UnixDomainSocketConnection(path=address.path, **options)
    else:
        host, port = await _node(address, key, options)
        kind = SSLConnection if address.tls else Connection
        connection = kind(host=host, port=port, socket_keepalive=True, **options)
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        # An answer, too: the kernel takes connections for a process that hangs.
        await connection.send_command("TIME")
        seconds, microseconds = await connection.read_response()
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    return connection, int(seconds) * 1000 + int(microseconds) // 1000


def password(variable: str) -> str | None:
    """What ``variable`` of the environment says, or the file that ``variable``_FILE names.

    The file is read at each connection: whoever changes the password restarts nothing.

    Raises:
        NoPassword: the file cannot be read.
    """
    path = os.environ.get(f"{variable}_FILE")
    if not path:
        return os.environ.get(variable) or None
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError):
        raise NoPassword from None


def _options(address: Address, secret: str | None) -> dict[str, Any]:
    return {
        "username": address.username or None,
        "password": secret,
        "db": address.db,
        "protocol": 2,
        "driver_info": None,  # nothing of it is needed, and it would cost a round trip
        "socket_timeout": None,  # the caller counts,
        "retry": Retry(NoBackoff(), 0),  # and tries again
        **(dict(address.tls_files) if address.tls else {}),
    }


async def _node(address: Address, key: str, options: Mapping[str, Any]) -> tuple[str, int]:
    if address.kind == redis_url.SENTINEL:
        return await _master(address)
    if address.kind == redis_url.CLUSTER:
        return await _node_of_slot(address, key, options)
    return address.hosts[0]


async def _master(address: Address) -> tuple[str, int]:
    secret = password(redis_url.SENTINEL_PASSWORD_VARIABLE)
    options = _options(address, secret) | {"db": 0, "username": None}
    options |= {"socket_timeout": ASIDE_TIMEOUT, "ssl": address.tls}
    sentinel = Sentinel(list(address.hosts), sentinel_kwargs=options)  # type: ignore[no-untyped-call]
    try:
        host, port = await sentinel.discover_master(address.service)
    finally:
        await sentinel.aclose()
    return str(host), int(port)


async def _node_of_slot(address: Address, key: str, options: Mapping[str, Any]) -> tuple[str, int]:
    options = {name: value for name, value in options.items() if name != "db"}
    options |= {"socket_timeout": ASIDE_TIMEOUT}
    cluster = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        ssl=address.tls,
        **options,
    )
    try:
        await cluster.initialize()
        node = cluster.get_node_from_key(key)
    finally:
        await cluster.aclose()
    if node is None:
        raise RedisError
    return str(node.host), int(node.port)
