"""The client's end of a connection: what is written to it, and who has to wait for whom."""

import asyncio


class Wire:
    """A transport that sends what one turn of the event loop wrote with one system call.

    A response waits for the other requests of its turn, and together they wake the client once.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.is_full = False
        """Whether the client reads less than is written, so that it has to be kept."""
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._is_paused = False
        self._has_room = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Takes ``data``; it leaves at the end of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Sends what is waiting, and closes."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """True where nothing can be sent any more."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Lets the client wait with what it sends."""
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Lets the client go on."""
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """Has those wait who write on."""
        self.is_full = True
        self._has_room.clear()

    def resume_writing(self) -> None:
        """Lets them go on."""
        self.is_full = False
        self._has_room.set()

    async def room(self) -> None:
        """Waits until it is not full."""
        if self.is_full:
            await self._has_room.wait()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))
