"""Small messages and results that travel together."""

import asyncio
from types import SimpleNamespace

from fedclair_host.messages import Messages, Replies, Reply, WireError, failure
from fedclair_host.dispatch import Dispatcher, most_bytes
from fedclair_host.peer import Peer


def accepted():
    reply = Reply()
    reply.accepted.SetInParent()
    return reply


class Wire:
    """Notes the events that a peer sends, and accepts all messages in the next turn of the event loop."""

    def __init__(self, replies=lambda messages: [accepted() for _ in messages]):
        self.sent = []
        self._replies = replies
        self.peer = Peer(self._emit, lambda message: None)
        self.peer.agree(100, 1000)

    async def _emit(self, event, data, answered):
        messages = Messages.FromString(data).messages if event == "messages" else [event]
        self.sent.append([len(message) for message in messages])
        reply = Replies(replies=self._replies(messages)) if event == "messages" else accepted()
        asyncio.get_running_loop().call_soon(answered, reply.SerializeToString())


async def outcome(sent):
    try:
        reply = await sent
        return reply.WhichOneof("body")
    except WireError as error:
        return error.code


def test_small_messages_travel_together_up_to_the_size_of_a_frame():
    async def send():
        wire = Wire()
        sizes = [30, 30, 30, 100, 1]
        assert await asyncio.gather(*(outcome(wire.peer.send(bytes(size))) for size in sizes)) == ["accepted"] * 5
        assert wire.sent == [[30, 30], [30], [100], [1]]
        assert await outcome(wire.peer.send(bytes(250))) == "accepted"
        assert wire.sent[4:] == [[len("frame")]] * 3

    asyncio.run(send())


def test_each_message_gets_its_own_reply():
    def replies(messages):
        refused = Reply()
        refused.failure.CopyFrom(failure("DUPLICATE", "known"))
        return [refused if message == b"bad" else accepted() for message in messages]

    async def send():
        wire = Wire(replies)
        messages = [b"good", b"bad", b"unwanted", b"also good"]
        sent = [outcome(wire.peer.send(message, lambda message=message: message != b"unwanted")) for message in messages]
        assert await asyncio.gather(*sent) == ["accepted", "failure", "STALE_ROUND", "accepted"]
        short = Wire(lambda messages: [accepted()])
        assert await asyncio.gather(*(outcome(short.peer.send(b"x")) for _ in range(2))) == ["MALFORMED"] * 2

    asyncio.run(send())


def test_messages_that_arrive_together_are_answered_one_by_one():
    def handle(message):
        if message == b"bad":
            raise WireError("WRONG_SHAPE", "no")
        return failure("DUPLICATE", "known") if message == b"known" else None

    async def emit(event, data, answered):
        raise AssertionError("nothing is sent")

    peer = Peer(emit, handle)
    data = Messages(messages=[b"good", b"bad", b"known"]).SerializeToString()
    # Before Welcome a message comes alone.
    assert Reply.FromString(peer.receive("messages", (data,))).failure.code == failure("MALFORMED", "").code
    peer.agree(100, 1000)
    replies = Replies.FromString(peer.receive("messages", (data,))).replies
    assert [reply.failure.message for reply in replies] == ["", "no", "known"]
    (reply,) = Replies.FromString(peer.receive("messages", (b"\xff",))).replies
    assert reply.failure.code == failure("MALFORMED", "").code


def test_large_results_do_not_pile_up():
    async def check():
        let_go = asyncio.Event()
        delivered = []

        async def deliver(job, message):
            delivered.append(job)
            await let_go.wait()

        dispatcher = Dispatcher(deliver)
        dispatcher._open = {1: SimpleNamespace(client_id="a"), 2: SimpleNamespace(client_id="b")}
        jobs = list(dispatcher._open.values())
        reading = []
        dispatcher._transport = SimpleNamespace(pause_reading=lambda: reading.append(False), resume_reading=lambda: reading.append(True))
        large = bytes(most_bytes // 2 + 1)
        dispatcher._answer(1, large)
        assert reading == []
        dispatcher._answer(2, large)
        await asyncio.sleep(0)
        assert delivered == jobs[:2] and reading == [False]
        let_go.set()
        await asyncio.sleep(0.01)
        assert reading == [False, True, True]

    asyncio.run(check())
