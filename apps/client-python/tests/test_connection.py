import asyncio
import ssl

import pytest
from aiohttp import web
from engineio import packet as engine_packet
from socketio import packet
from socketio.exceptions import ConnectionError as NoConnection

from fedclair_host import connection
from fedclair_host.connection import Packet, connect, open_socket
from fedclair_host.messages import CoordinatorMessage, Tensor, WireError, check_job, check_tensor
from fedclair_host.tls import no_connection


@pytest.mark.parametrize("text", ["2", "2{}", "2[]", "2[null]", "2" + "[" * 200_000, "3{}", "0[]", "9", "x", b"x", '5999999999-["frame"]', '52-["frame"]'])
def test_a_packet_that_cannot_be_handled_ends_the_connection(text):
    read = Packet(encoded_packet=text)
    assert (read.packet_type, read.attachment_count) == (packet.DISCONNECT, 0)


def test_a_long_text_is_not_read():
    async def read(text):
        async with open_socket(ssl.create_default_context()):
            return Packet(encoded_packet=engine_packet.Packet(encoded_packet=text).data).packet_type

    assert [asyncio.run(read(f'4["x"{",0" * count}]')) for count in (9, 999)] == [packet.DISCONNECT] * 2
    assert [asyncio.run(read(f'42["x"{",0" * count}]')) for count in (9, 999)] == [packet.EVENT, packet.DISCONNECT]


def test_a_placeholder_means_the_only_attachment():
    read = Packet(encoded_packet='51-["frame",{"_placeholder":true,"num":7}]')
    assert read.add_attachment(b"x") and read.data == ["frame", b"x"]


async def _reach(answer) -> tuple[str, list[str]]:
    """:returns: why there is no connection, and the paths that were asked for"""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await answer(request)

    runner = web.AppRunner(app := web.Application())
    app.router.add_route("*", "/{path:.*}", handle)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with open_socket(ssl.create_default_context()) as socket:
            with pytest.raises(NoConnection) as raised:
                await connect(socket, url)
            return no_connection(raised.value, url), asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("place", ["/admin?do=delete", "file:///etc/passwd"])
def test_redirects_are_not_followed(place):
    async def redirect(request):
        raise web.HTTPFound(place)

    assert asyncio.run(_reach(redirect)) == (f"it redirects to {place}", ["/socket.io/"])


@pytest.mark.parametrize("first", ["", "0[]", '0{"sid":"x"}', None])
def test_what_is_no_coordinator_is_no_connection(first, monkeypatch):
    monkeypatch.setattr(connection, "_connect_seconds", 0.2)

    async def open_badly(request):
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        if first is not None:
            await websocket.send_str(first)
        await websocket.receive()
        return websocket

    why, _ = asyncio.run(_reach(open_badly))
    assert ("no answer for 0.2 s" if first is None else "its first packet is not that of a coordinator") in why


def test_shapes_and_options_of_any_depth_are_refused():
    with pytest.raises(WireError, match="a tensor of 200000 dimensions: expected at most 32"):
        check_tensor(Tensor(dtype=1, shape=[2**32 - 1] * 200_000))
    contamination = {"kind": "x", "options_json": "[" * 200_000}
    job = CoordinatorMessage(client_job={"kind": 1, "contamination": contamination}).client_job
    with pytest.raises(WireError, match="options of contamination 'x'"):
        check_job(job, {0: {}})
