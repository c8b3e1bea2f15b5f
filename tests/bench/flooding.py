"""``python -m tests.bench.flooding``: wrong passwords over many connections, until it is killed.

Each connection asks again as soon as it is answered.
"""

import asyncio
import sys
from itertools import count
from urllib.parse import urlencode, urlsplit

from tests.bench.clients import client_id, client_secret
from tests.builders import basic


def request(username: str, host: str, number: int = 0) -> bytes:
    """A token request by password grant whose password is wrong."""
    form = {"grant_type": "password", "username": username, "password": f"wrong {number}"}
    body = urlencode(form).encode()
    head = (
        f"POST /token HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: {basic(client_id(0), client_secret(0))}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def ask_on(netloc: str, address: str, usernames: list[str], start: int) -> None:
    """Asks over one connection from ``address``, without end; a broken one is made anew."""
    host, _, port = netloc.rpartition(":")
    for number in count(start):
        reader, writer = await asyncio.open_connection(
            host, int(port), local_addr=(address, 0), limit=65536
        )
        try:
            while True:
                number += 1  # noqa: PLW2901  another password, another user
                writer.write(request(usernames[number % len(usernames)], netloc, number))
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


async def main(url: str, connections: int, addresses: int, usernames: int) -> None:
    """Floods ``url`` from so many addresses of 127.0.0.0/8."""
    names = ["alice", *(f"user {number}" for number in range(1, usernames))]
    netloc = urlsplit(url).netloc
    async with asyncio.TaskGroup() as connected:
        for number in range(connections):
            address = f"127.0.1.{1 + number % addresses}"
            connected.create_task(ask_on(netloc, address, names, number * 7919))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
