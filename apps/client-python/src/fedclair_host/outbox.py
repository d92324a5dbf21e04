"""Hands results over from the thread that trains to the thread of the connection."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Awaitable, Callable, Generic, TypeVar

from .peer import small_bytes

Item = TypeVar("Item")

#: Small results wait this long for others, to be sent together: to wake the other thread for each takes as long as to send it.
collect_seconds = 0.01
#: Results are as large as the params, so not many of them may wait to be sent.
most_bytes = 1 << 26


class Outbox(Generic[Item]):
    """Results that are on their way to the coordinator."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[Item, bytes], Awaitable[None]]):
        """:param loop: the event loop of the connection's thread
        :param deliver: sends a result with its message"""
        self._loop = loop
        self._deliver = deliver
        self._finished: deque[tuple[Item, bytes]] = deque()
        self._bytes = 0
        self._room = threading.Condition()
        self._tasks: set[asyncio.Future[None]] = set()
        self._is_watching = False

    # ---- the thread that trains

    def put(self, item: Item, message: bytes, more_follow: bool) -> None:
        """Adds a result, after waiting while too many are being sent.
        :param more_follow: whether other results may follow soon; a small one then waits for them"""
        with self._room:
            self._room.wait_for(lambda: self._bytes <= most_bytes)
            self._bytes += len(message)
        self._finished.append((item, message))
        if not more_follow or len(message) > small_bytes:
            self.hand_over()

    def hand_over(self) -> None:
        """Sends what is finished."""
        self._loop.call_soon_threadsafe(self._send)

    # ---- the connection's thread

    def watch(self, is_busy: Callable[[], bool]) -> None:
        """Sends what is finished from time to time, as long as the other thread is busy."""
        if not self._is_watching:
            self._is_watching = True
            self._loop.call_later(collect_seconds, self._look, is_busy)

    def _look(self, is_busy: Callable[[], bool]) -> None:
        self._send()
        self._is_watching = False
        if is_busy():
            self.watch(is_busy)

    def _send(self) -> None:
        while self._finished:
            task = asyncio.ensure_future(self._send_one(*self._finished.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_one(self, item: Item, message: bytes) -> None:
        try:
            await self._deliver(item, message)
        finally:
            with self._room:
                self._bytes -= len(message)
                self._room.notify()
