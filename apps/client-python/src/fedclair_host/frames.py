"""Splits what the clients of a process send to their host."""

from __future__ import annotations

import asyncio
from typing import Callable

from .channel import header


class Frames(asyncio.Protocol):
    """Splits what the clients send into frames, until there is one without the key."""

    def __init__(self, receive: Callable[[bytes, bytes], None], key: bytes):
        self._receive = receive
        self._key = key
        self._rest = bytearray()
        self.are_foreign: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """At the end, whether the last of them has no key."""

    def data_received(self, data: bytes) -> None:
        rest = self._rest
        rest += data
        at = 0
        while len(rest) >= at + header.size:
            kind, size, key = header.unpack_from(rest, at)
            if key != self._key:
                self._end(True)
                return
            end = at + header.size + size
            if len(rest) < end:
                break
            self._receive(kind, bytes(memoryview(rest)[at + header.size : end]))
            at = end
        if at > 0:
            del rest[:at]

    def connection_lost(self, error: Exception | None) -> None:
        self._end(False)

    def _end(self, are_foreign: bool) -> None:
        if not self.are_foreign.done():
            self.are_foreign.set_result(are_foreign)
