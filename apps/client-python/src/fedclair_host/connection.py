"""The websocket to a coordinator, which may be anybody until it has answered a Join, and anything after it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from typing import Any, AsyncIterator

import aiohttp
import socketio
from socketio import packet
from socketio.exceptions import ConnectionError as NoConnection

longest_frame = 65 << 20  # more than `limits.chunkBytes` of a trial allows

_longest_text = 1024  # texts only announce bytes, which are limited by `longest_frame`

_connect_seconds = 20.0

#: The library logs what it cannot read, as often as it comes.
_silent = logging.getLogger("fedclair-host.websocket")
_silent.setLevel(logging.CRITICAL + 1)


class Packet(packet.Packet):  # type: ignore[misc]
    """A packet of Socket.IO with one binary argument at most. Any other one reads as the end of the connection."""

    def decode(self, encoded_packet: Any) -> int:
        try:
            count: int = super().decode(encoded_packet)
            if count <= 1 and self._can_be_handled():
                return count
        except Exception:  # the parser raises whatever its parts do
            pass
        self.packet_type, self.namespace, self.data = packet.DISCONNECT, None, None
        return 0

    def _can_be_handled(self) -> bool:
        if self.packet_type in (packet.CONNECT, packet.CONNECT_ERROR):
            return self.data is None or isinstance(self.data, dict)
        if self.packet_type == packet.DISCONNECT:
            return True
        is_event = self.packet_type in (packet.EVENT, packet.BINARY_EVENT)
        return isinstance(self.data, list) and (not is_event or (len(self.data) > 0 and isinstance(self.data[0], str)))

    @classmethod
    def reconstruct_binary(cls, data: Any, attachments: Any) -> Any:
        return [attachments[0] if isinstance(one, dict) else one for one in data]


class ShortJson:
    """The JSON of the library. A long text could take many times its size in memory."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str) -> Any:
        if len(text) > _longest_text:
            raise ValueError("the text is too long")
        return json.loads(text)


@contextlib.asynccontextmanager
async def open_socket(tls: ssl.SSLContext) -> AsyncIterator[socketio.AsyncClient]:
    """A socket that is closed at the end. It follows no redirects: these could name any address that this machine reaches."""
    responses: list[aiohttp.ClientResponse] = []

    async def refuse(_: Any, __: Any, params: aiohttp.TraceRequestRedirectParams) -> None:
        raise aiohttp.ClientConnectionError(f"it redirects to {params.response.headers.get('location', '')}")

    async def keep(_: Any, __: Any, params: aiohttp.TraceRequestEndParams) -> None:
        responses.append(params.response)

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    trace.on_request_end.append(keep)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        socket = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            logger=_silent,
            engineio_logger=_silent,
            serializer=Packet,
            json=ShortJson,
            http_session=session,
            websocket_extra_options={"max_msg_size": longest_frame, "ssl": tls},
        )
        try:
            yield socket
        finally:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(socket.disconnect(), 5)
            for response in responses:
                response.close()  # the library forgets a websocket that did not begin as expected


async def connect(socket: socketio.AsyncClient, url: str) -> None:
    """:raises NoConnection: if nobody answers in time, or something else than a coordinator"""
    try:
        await asyncio.wait_for(socket.connect(url, transports=["websocket"], wait_timeout=10), _connect_seconds)
        return
    except NoConnection:
        raise
    except asyncio.TimeoutError:
        why = f"no answer for {_connect_seconds:g} s"
    except Exception as error:  # the library reads the first packet without checks
        why = f"its first packet is not that of a coordinator ({type(error).__name__})"
    raise NoConnection(why)
