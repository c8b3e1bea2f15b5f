"""Whether a Redis is set up to remember: it says so itself."""

import asyncio
from collections.abc import Iterator, Mapping

from issuer.stores.file_system import COST
from issuer.stores.redis_connecting import UNREACHABLE, connect
from issuer.stores.redis_line import CONNECT_TIMEOUT
from issuer.stores.redis_url import Address


async def warnings(address: Address, key: str) -> list[str]:
    """What could be better about the Redis where ``key`` is kept; nothing where it is not there."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection, _ = await connect(address, key)
    except UNREACHABLE:
        return []
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await connection.send_command("INFO")
            said = (await connection.read_response()).decode("utf-8", "replace")
    except UNREACHABLE:
        return ["cannot be asked how it is set up: grant +info to see whether it may forget"]
    finally:
        await connection.disconnect(nowait=True)
    return list(_warnings(dict(line.split(":", 1) for line in said.splitlines() if ":" in line)))


def _warnings(says: Mapping[str, str]) -> Iterator[str]:
    policy = says.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield (
            f"has maxmemory-policy {policy}, so it may evict what was spent, which then can be "
            "spent again, and what was revoked: set noeviction"
        )
    if says.get("aof_enabled") == "0":
        yield f"has appendonly no, so a restart forgets: {COST}; set appendonly yes"
