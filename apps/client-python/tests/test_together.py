"""Small messages and results that travel together."""

import asyncio
import threading

from fedclair_host.codec import Messages, Replies, Reply, WireError, failure
from fedclair_host.outbox import Outbox, most_bytes
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


def with_loop(work):
    """Runs work in this thread while an event loop runs in another."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        return work(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_results_wait_for_those_that_follow_but_not_for_long():
    def work(loop):
        delivered = []
        has_all = threading.Event()

        async def deliver(item, message):
            delivered.append(item)
            if item == "last":
                has_all.set()

        outbox = Outbox(loop, deliver)
        outbox.put("first", b"1", more_follow=True)
        outbox.put("second", b"2", more_follow=True)
        assert delivered == []
        outbox.put("last", b"3", more_follow=False)
        assert has_all.wait(60) and delivered == ["first", "second", "last"]

        # A result is sent although the next job takes long.
        has_all.clear()
        loop.call_soon_threadsafe(outbox.watch, lambda: not has_all.is_set())
        outbox.put("last", b"4", more_follow=True)
        assert has_all.wait(60)

    with_loop(work)


def test_large_results_are_sent_at_once_and_do_not_pile_up():
    def work(loop):
        let_go = asyncio.Event()
        all_sent = threading.Event()
        delivered = []

        async def deliver(item, message):
            delivered.append(item)
            if item == 3:
                all_sent.set()
            await let_go.wait()

        outbox = Outbox(loop, deliver)
        large = bytes(most_bytes // 2 + 1)
        outbox.put(1, large, more_follow=True)
        outbox.put(2, large, more_follow=True)
        threading.Timer(0.05, lambda: loop.call_soon_threadsafe(let_go.set)).start()
        outbox.put(3, large, more_follow=True)  # waits for one of the others
        assert let_go.is_set()
        assert all_sent.wait(60) and delivered == [1, 2, 3]

    with_loop(work)
