import assert from "node:assert/strict";
import { mock } from "node:test";
import { decodeMessages, encodeMessages } from "../codec/frame.js";
import {
  accepted,
  decodeReplies,
  decodeReply,
  encodeReplies,
  encodeReply,
  refuse,
  type Reply,
} from "../codec/reply.js";
import { Channel, type ChannelConnection, type Handler } from "./channel.js";
import { replyTimeout } from "../codec/protocol.js";
import { outcome } from "../../testing/raw-host.js";
import { Traffic } from "./traffic.js";

const limits = { chunkBytes: 100, maxMessageBytes: 1000 };

function peerWith(connection: Partial<ChannelConnection>, handle: Handler = () => accepted) {
  const traffic = new Traffic();
  const nothing = { emit: () => undefined, close: () => undefined };
  const channel = new Channel({ ...nothing, ...connection }, traffic, handle);
  channel.applyLimits(limits);
  return { channel, traffic };
}

/** A channel whose frames another channel receives. */
function pair(handle: Handler) {
  const receiving = peerWith({}, handle);
  let frames = 0;
  const sending = peerWith({
    emit: (event, bytes, reply) => {
      frames++;
      receiving.channel.receive(event, [bytes, reply]);
    },
  });
  return { sending, receiving, frames: () => frames };
}

/** A channel whose messages are all accepted, and the messages of each event that it sends. */
function peerOfGroups(chunkBytes = limits.chunkBytes) {
  const groups: number[][] = [];
  const { channel, traffic } = peerWith({
    emit: (event, bytes, reply) => {
      assert.equal(event, "messages");
      const messages = decodeMessages(bytes);
      groups.push(messages.map((message) => message[0] ?? 0));
      setImmediate(() => {
        reply(encodeReplies(messages.map(() => accepted)));
      });
    },
  });
  channel.applyLimits({ ...limits, chunkBytes });
  return { channel, traffic, groups };
}

describe("Channel", () => {
  it("sends a message in frames and returns the reply to the last one", async () => {
    const messages: Uint8Array[] = [];
    const { sending, receiving, frames } = pair((message) => {
      messages.push(message);
      return refuse({ code: "DUPLICATE", message: "known" });
    });
    const message = Uint8Array.from({ length: 250 }, (_, i) => i);
    assert.deepEqual(
      await sending.channel.send(message),
      refuse({ code: "DUPLICATE", message: "known" }),
    );
    assert.deepEqual(messages, [message]);
    assert.equal(frames(), 3);
    assert.equal(sending.traffic.messagesSent, 1);
    assert.equal(receiving.traffic.messagesReceived, 1);
    assert.equal(sending.traffic.bytesSent, receiving.traffic.bytesReceived);
    assert.equal(sending.traffic.bytesReceived, receiving.traffic.bytesSent);
    assert.deepEqual([...receiving.traffic.refused], [["DUPLICATE", 1]]);
  });

  it("waits for the reply to a frame before it sends the next", () => {
    let frames = 0;
    const { channel } = peerWith({ emit: () => frames++ });
    void channel.send(new Uint8Array(250));
    assert.equal(frames, 1);
    channel.disconnected();
  });

  it("sends small messages of one turn together, and waits while four events are unanswered", async () => {
    const groups: number[][] = [];
    const answers: (() => void)[] = [];
    const { channel, traffic } = peerWith({
      emit: (_event, bytes, reply) => {
        const messages = decodeMessages(bytes);
        groups.push(messages.map((message) => message[0] ?? 0));
        answers.push(() => {
          reply(encodeReplies(messages.map(() => accepted)));
        });
      },
    });
    channel.applyLimits(limits);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const sent: Promise<Reply>[] = [];
    const sendInTurn = async (...numbers: number[]) => {
      sent.push(...numbers.map((n) => channel.send(Uint8Array.of(n))));
      await turn();
      await turn();
    };
    await sendInTurn(1, 2);
    for (const n of [3, 4, 5, 6, 7]) await sendInTurn(n);
    assert.deepEqual(groups, [[1, 2], [3], [4], [5]]);
    answers[2]?.();
    await sendInTurn(8);
    assert.deepEqual(groups.slice(4), [[6, 7, 8]]);
    for (const answer of answers) answer();
    assert.deepEqual((await Promise.all(sent)).map(outcome), Array(8).fill("accepted"));
    assert.equal(traffic.messagesSent, 8);
  });

  it("sends no more together than a frame may carry", async () => {
    const { channel, groups } = peerOfGroups(100);
    const sizes = [30, 30, 30, 100, 1];
    await Promise.all(sizes.map((size) => channel.send(new Uint8Array(size).fill(size))));
    assert.deepEqual(groups, [[30, 30], [30], [100], [1]]);

    const large = peerOfGroups(2 ** 20);
    const tiny = Array.from({ length: 300 }, () => large.channel.send(Uint8Array.of(1)));
    await Promise.all(tiny);
    assert.deepEqual(
      large.groups.map(({ length }) => length),
      [256, 44],
    );
  });

  it("gives each of several messages its own reply, and answers what is no message", async () => {
    const { sending, receiving } = pair(([first]) => {
      if (first === 2) return refuse({ code: "DUPLICATE", message: "known" });
      if (first === 3) throw new Error("a bug");
      return accepted;
    });
    const sent = [1, 2, 3, 4].map((n) => sending.channel.send(Uint8Array.of(n)));
    assert.deepEqual((await Promise.all(sent)).map(outcome), [
      "accepted",
      "DUPLICATE",
      "MALFORMED",
      "accepted",
    ]);
    assert.equal(receiving.traffic.messagesReceived, 4);
    const replies: Uint8Array[] = [];
    const many = encodeMessages(Array.from({ length: 257 }, () => Uint8Array.of(1)));
    for (const bytes of ["text", many])
      receiving.channel.receive("messages", [bytes, (reply: Uint8Array) => replies.push(reply)]);
    assert.deepEqual(replies.flatMap(decodeReplies).map(outcome), ["MALFORMED", "MALFORMED"]);
  });

  it("does not send what is no longer wanted, and fails a message without a reply", async () => {
    const { channel, groups } = peerOfGroups();
    const ended = new AbortController();
    const unwanted = channel.send(Uint8Array.of(1), ended.signal);
    const wanted = channel.send(Uint8Array.of(2));
    ended.abort();
    assert.deepEqual([outcome(await unwanted), outcome(await wanted)], ["STALE_ROUND", "accepted"]);
    assert.deepEqual(groups, [[2]]);

    const silent = peerWith({
      emit: (_event, _bytes, reply) => {
        reply(encodeReplies([accepted]));
      },
    });
    const both = [1, 2].map((n) => silent.channel.send(Uint8Array.of(n)));
    assert.deepEqual((await Promise.all(both)).map(outcome), ["accepted", "MALFORMED"]);
  });

  it("takes messages one by one before the limits are agreed on", () => {
    const connection = { emit: () => undefined, close: () => undefined };
    const channel = new Channel(connection, new Traffic(), () => accepted);
    const replies: Uint8Array[] = [];
    const messages = encodeMessages([Uint8Array.of(1), Uint8Array.of(2)]);
    channel.receive("messages", [messages, (bytes: Uint8Array) => replies.push(bytes)]);
    assert.deepEqual(
      replies.map((bytes) => outcome(decodeReply(bytes))),
      ["MALFORMED"],
    );
  });

  it("does not send a message longer than the far end allows", async () => {
    const { channel, traffic } = peerWith({ emit: () => assert.fail("it was sent") });
    assert.equal(outcome(await channel.send(new Uint8Array(1001))), "OVERSIZE");
    assert.equal(traffic.messagesSent, 0);
  });

  it("stops between two frames when the signal aborts or the far end refuses", async () => {
    const { sending, frames } = pair(() => accepted);
    const closing = new AbortController();
    const sent = sending.channel.send(new Uint8Array(250), closing.signal);
    closing.abort();
    assert.equal(outcome(await sent), "STALE_ROUND");
    assert.equal(frames(), 1);

    let emitted = 0;
    const malformed = encodeReply(refuse({ code: "MALFORMED", message: "no" }));
    const { channel } = peerWith({
      emit: (_event, _bytes, reply) => {
        emitted++;
        reply(malformed);
      },
    });
    assert.equal(outcome(await channel.send(new Uint8Array(250))), "MALFORMED");
    assert.equal(emitted, 1);
  });

  it("fails everything that waits for a reply when the connection breaks, and all later messages", async () => {
    const { channel } = peerWith({});
    const sent = channel.send(new Uint8Array(10));
    channel.disconnected();
    assert.equal(outcome(await sent), "HOST_LOST");
    assert.equal(outcome(await channel.send(new Uint8Array(10))), "HOST_LOST");
  });

  it("closes the connection to an end that does not reply", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { channel } = peerWith({
        close: () => {
          channel.disconnected();
        },
      });
      const sent = channel.send(new Uint8Array(250));
      // The time is measured in slices of a second, one timer after another.
      for (let ticked = 0; ticked < replyTimeout; ticked += 1000) mock.timers.tick(1000);
      assert.equal(outcome(await sent), "HOST_LOST");
    } finally {
      mock.timers.reset();
    }
  });

  it("treats an invalid reply as a refusal", async () => {
    for (const bytes of [undefined, "text", Uint8Array.of(255), new Uint8Array(0)]) {
      const { channel } = peerWith({
        emit: (_event, _bytes, reply) => {
          reply(bytes);
        },
      });
      assert.equal(outcome(await channel.send(new Uint8Array(10))), "MALFORMED");
    }
  });

  it("answers any input, with or without a callback", () => {
    const { channel, traffic } = peerWith({}, () => {
      throw new Error("a bug");
    });
    const replies: unknown[] = [];
    const reply = (bytes: Uint8Array) => replies.push(bytes);
    const oneByte = Uint8Array.of(0x18, 1, 0x22, 1, 9); // total 1, payload [9]
    const calls = [
      [],
      [reply],
      [1, reply],
      [null, "no function"],
      [{}, {}, reply],
      [oneByte, reply],
    ];
    for (const args of calls) channel.receive("frame", args);
    assert.equal(replies.length, 4);
    assert.deepEqual([...traffic.refused], [["MALFORMED", 6]]);
  });

  it("accepts only short messages before the limits are agreed on", () => {
    const traffic = new Traffic();
    const channel = new Channel(
      { emit: () => undefined, close: () => undefined },
      traffic,
      () => accepted,
    );
    channel.receive("frame", [Uint8Array.of(0x18, 0x81, 0x80, 0x04)]); // total 65537
    assert.deepEqual([...traffic.refused], [["OVERSIZE", 1]]);
  });
});
