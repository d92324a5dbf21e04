"""Sends and receives messages as frames, each of which is answered before the next is sent (docs/protocol.md)."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable

from .codec import Frame, Reply, WireError, decode, failure

before_welcome = 64 * 1024
"""Size limit of a frame and of a message, in bytes, until Welcome sets the limits."""

most_unfinished = 8
reply_seconds = 60.0


class Assembler:
    """Joins frames into messages. It holds at most eight unfinished messages; a ninth replaces the one that has waited longest."""

    def __init__(self) -> None:
        self.max_message_bytes = before_welcome
        self._unfinished: dict[int, bytearray] = {}

    def accept(self, data: object) -> bytes | None:
        """Returns the message if this frame completes it. :raises WireError: if the frame is malformed or the message too large"""
        frame = decode(Frame, data)
        transfer, offset, total = frame.transfer, frame.offset, frame.total
        if total > self.max_message_bytes:
            raise WireError("OVERSIZE", f"a message of {total} bytes: at most {self.max_message_bytes} are allowed")
        known = self._unfinished.pop(transfer, None)
        partial = bytearray() if offset == 0 else known
        if partial is None or len(partial) != offset:
            raise WireError("MALFORMED", f"frame at {offset} of {total} does not continue transfer {transfer}")
        size = len(frame.payload)
        if size > total - offset or (size == 0 and total > 0):
            raise WireError("MALFORMED", f"frame at {offset} of {total} carries {size} bytes")
        partial += frame.payload
        if len(partial) == total:
            return bytes(partial)
        if len(self._unfinished) >= most_unfinished:
            del self._unfinished[next(iter(self._unfinished))]
        self._unfinished[transfer] = partial
        return None


class Peer:
    """The coordinator at the other end of one connection. It cannot be used after the connection is lost."""

    def __init__(
        self,
        emit: Callable[[bytes, Callable[..., None]], Awaitable[None]],
        handle: Callable[[bytes], Any],
    ):
        """:param emit: sends a frame and calls the given function with the reply
        :param handle: handles a message; returns None to accept it or a Failure, may raise WireError"""
        self._emit = emit
        self._handle = handle
        self._assembler = Assembler()
        self._chunk_bytes = self._max_message_bytes = before_welcome
        self._transfers = 0
        self._waiting: set[asyncio.Future[Any]] = set()
        self.is_lost = False

    def agree(self, chunk_bytes: int, max_message_bytes: int) -> None:
        """Sets the limits that apply after Welcome."""
        self._chunk_bytes = chunk_bytes
        self._max_message_bytes = self._assembler.max_message_bytes = max_message_bytes

    def lose(self) -> None:
        """Marks the connection as lost; everything that waits for a reply fails."""
        self.is_lost = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(WireError("HOST_LOST", "the connection broke"))

    async def send(self, message: bytes, is_wanted: Callable[[], bool] = lambda: True) -> Any:
        """Sends a message frame by frame. :returns: the Reply to it
        :raises WireError: OVERSIZE, HOST_LOST, or STALE_ROUND if the message is no longer wanted"""
        total = len(message)
        if total > self._max_message_bytes:
            raise WireError("OVERSIZE", f"a message of {total} bytes: at most {self._max_message_bytes} are allowed")
        transfer = self._transfers % 2**32
        self._transfers += 1
        offset = 0
        while True:
            if not is_wanted():
                raise WireError("STALE_ROUND", "the work ended before it was sent")
            payload = message[offset : offset + self._chunk_bytes]
            frame = Frame(transfer=transfer, offset=offset, total=total, payload=payload)
            reply = await self._request(frame.SerializeToString())
            offset += self._chunk_bytes
            if reply.WhichOneof("body") != "accepted" or offset >= total:
                return reply

    def receive(self, args: tuple[Any, ...]) -> bytes:
        """Handles an event. :returns: the reply to it"""
        reply = Reply()
        try:
            message = self._assembler.accept(args[0] if len(args) > 0 else None)
            refusal = None if message is None else self._handle(message)
        except WireError as error:
            refusal = failure(error.code, str(error))
        if refusal is None:
            reply.accepted.SetInParent()
        else:
            reply.failure.CopyFrom(refusal)
        data: bytes = reply.SerializeToString()
        return data

    async def _request(self, frame: bytes) -> Any:
        if self.is_lost:
            raise WireError("HOST_LOST", "the connection broke")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answered(data: object = None, *_: object) -> None:
            if not future.done():
                future.set_result(data)

        self._waiting.add(future)
        try:
            await self._emit(frame, answered)
            data = await asyncio.wait_for(future, reply_seconds)
        except asyncio.TimeoutError:
            raise WireError("HOST_LOST", f"no reply for {reply_seconds:g} s") from None
        finally:
            self._waiting.discard(future)
        return decode(Reply, data)
