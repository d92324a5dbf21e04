"""Sends and receives messages: small ones together, long ones as frames, each of which is answered before the next (docs/protocol.md)."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable

from .messages import Frame, Messages, Replies, Reply, WireError, decode, failure

before_welcome = 64 * 1024
"""Size limit of a frame and of a message, in bytes, until Welcome sets the limits."""

most_unfinished = 8
small_bytes = 64 * 1024
"""Size up to which messages travel together."""

most_together = 256
"""Number of messages that travel together, all as long as the payload of a frame."""

most_unanswered = 4
"""While the replies to this many events are due, small messages wait, and travel together. With fewer, a slow network would be idle
between them."""

_overhead_bytes = 8
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
        emit: Callable[[str, bytes, Callable[..., None]], Awaitable[None]],
        handle: Callable[[bytes], Any],
    ):
        """:param emit: sends an event with its bytes and calls the given function with the reply
        :param handle: handles a message; returns None to accept it or a Failure, may raise WireError"""
        self._emit = emit
        self._handle = handle
        self._assembler = Assembler()
        self._chunk_bytes = self._max_message_bytes = before_welcome
        self._transfers = 0
        self._has_agreed = False
        self._small: list[tuple[bytes, Callable[[], bool], asyncio.Future[Any]]] = []
        self._will_send = False
        self._unanswered: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[Any]] = set()
        self.is_lost = False

    def agree(self, chunk_bytes: int, max_message_bytes: int) -> None:
        """Sets the limits that apply after Welcome."""
        self._has_agreed = True
        self._chunk_bytes = chunk_bytes
        self._max_message_bytes = self._assembler.max_message_bytes = max_message_bytes

    def takes_frames(self, message: bytes) -> bool:
        """Whether a message takes several frames."""
        return len(message) > self._chunk_bytes

    def lose(self) -> None:
        """Marks the connection as lost; everything that waits for a reply fails."""
        self.is_lost = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(WireError("HOST_LOST", "the connection broke"))

    async def send(self, message: bytes, is_wanted: Callable[[], bool] = lambda: True) -> Any:
        """Sends a message. :returns: the Reply to it
        :raises WireError: OVERSIZE, HOST_LOST, or STALE_ROUND if the message is no longer wanted"""
        total = len(message)
        if total > self._max_message_bytes:
            raise WireError("OVERSIZE", f"a message of {total} bytes: at most {self._max_message_bytes} are allowed")
        if self._has_agreed and total <= min(self._chunk_bytes, small_bytes):
            return await self._send_small(message, is_wanted)
        return await self._send_frames(message, is_wanted)

    async def _send_small(self, message: bytes, is_wanted: Callable[[], bool]) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._small.append((message, is_wanted, future))
        if not self._will_send:
            self._will_send = True
            asyncio.get_running_loop().call_soon(self._send_together)
        return await future

    def _send_together(self) -> None:
        """Sends the small messages of this turn of the event loop, unless too many are unanswered."""
        self._will_send = False
        while self._small and len(self._unanswered) < most_unanswered:
            group = self._take_group()
            if group:
                task = asyncio.ensure_future(self._send_group(group))
                self._unanswered.add(task)
                task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._unanswered.discard(task)
        self._send_together()

    async def _send_group(self, group: list[tuple[bytes, asyncio.Future[Any]]]) -> None:
        try:
            sent = Messages(messages=[message for message, _ in group])
            replies = decode(Replies, await self._request("messages", sent.SerializeToString())).replies
            if len(replies) != len(group):
                raise WireError("MALFORMED", f"{len(replies)} replies to {len(group)} messages")
        except WireError as error:
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), reply in zip(group, replies):
                future.set_result(reply)

    def _take_group(self) -> list[tuple[bytes, asyncio.Future[Any]]]:
        size = 0
        group: list[tuple[bytes, asyncio.Future[Any]]] = []
        while self._small:
            message, is_wanted, future = self._small[0]
            size += len(message) + _overhead_bytes
            if len(group) == most_together or (group and size > self._chunk_bytes):
                break
            self._small.pop(0)
            if is_wanted():
                group.append((message, future))
            else:
                future.set_exception(WireError("STALE_ROUND", "the work ended before it was sent"))
        return group

    async def _send_frames(self, message: bytes, is_wanted: Callable[[], bool]) -> Any:
        total = len(message)
        transfer = self._transfers % 2**32
        self._transfers += 1
        offset = 0
        while True:
            if not is_wanted():
                raise WireError("STALE_ROUND", "the work ended before it was sent")
            payload = message[offset : offset + self._chunk_bytes]
            frame = Frame(transfer=transfer, offset=offset, total=total, payload=payload)
            reply = decode(Reply, await self._request("frame", frame.SerializeToString()))
            offset += self._chunk_bytes
            if reply.WhichOneof("body") != "accepted" or offset >= total:
                return reply

    def receive(self, event: str, args: tuple[Any, ...]) -> bytes:
        """Handles an event. :returns: the reply to it"""
        data = args[0] if len(args) > 0 else None
        if event == "messages" and self._has_agreed:
            return self._receive_together(data)
        reply = Reply()
        try:
            message = self._assembler.accept(data if event == "frame" else None)
            self._answer(reply, message)
        except WireError as error:
            reply.failure.CopyFrom(failure(error.code, str(error)))
        answer: bytes = reply.SerializeToString()
        return answer

    def _receive_together(self, data: object) -> bytes:
        replies = Replies()
        try:
            messages = decode(Messages, data).messages
            if len(messages) > most_together:
                raise WireError("MALFORMED", f"{len(messages)} messages at once: expected at most {most_together}")
            for message in messages:
                self._answer(replies.replies.add(), message)
        except WireError as error:
            replies.replies.add().failure.CopyFrom(failure(error.code, str(error)))
        answer: bytes = replies.SerializeToString()
        return answer

    def _answer(self, reply: Any, message: bytes | None) -> None:
        try:
            refusal = None if message is None else self._handle(message)
        except WireError as error:
            refusal = failure(error.code, str(error))
        if refusal is None:
            reply.accepted.SetInParent()
        else:
            reply.failure.CopyFrom(refusal)

    async def _request(self, event: str, data: bytes) -> Any:
        if self.is_lost:
            raise WireError("HOST_LOST", "the connection broke")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answered(reply: object = None, *_: object) -> None:
            if not future.done():
                future.set_result(reply)

        self._waiting.add(future)
        try:
            await self._emit(event, data, answered)
            return await asyncio.wait_for(future, reply_seconds)
        except asyncio.TimeoutError:
            raise WireError("HOST_LOST", f"no reply for {reply_seconds:g} s") from None
        finally:
            self._waiting.discard(future)
