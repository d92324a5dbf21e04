import assert from "node:assert/strict";
import { mock } from "node:test";
import { accepted, encodeReply, refuse } from "./codec/reply.js";
import { Peer, type Connection, type Handler } from "./peer.js";
import { replyTimeout } from "./protocol.js";
import { outcome } from "../testing/raw-host.js";
import { Traffic } from "./traffic.js";

const limits = { chunkBytes: 100, maxMessageBytes: 1000 };

function peerWith(connection: Partial<Connection>, handle: Handler = () => accepted) {
  const traffic = new Traffic();
  const nothing = { emit: () => undefined, close: () => undefined };
  const peer = new Peer({ ...nothing, ...connection }, traffic, handle);
  peer.agree(limits);
  return { peer, traffic };
}

/** A peer whose frames another peer receives. */
function pair(handle: Handler) {
  const receiving = peerWith({}, handle);
  let frames = 0;
  const sending = peerWith({
    emit: (frame, reply) => {
      frames++;
      receiving.peer.receive([frame, reply]);
    },
  });
  return { sending, receiving, frames: () => frames };
}

describe("Peer", () => {
  it("sends a message in frames and returns the reply to the last one", async () => {
    const messages: Uint8Array[] = [];
    const { sending, receiving, frames } = pair((message) => {
      messages.push(message);
      return refuse({ code: "DUPLICATE", message: "known" });
    });
    const message = Uint8Array.from({ length: 250 }, (_, i) => i);
    assert.deepEqual(
      await sending.peer.send(message),
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
    const { peer } = peerWith({ emit: () => frames++ });
    void peer.send(new Uint8Array(250));
    assert.equal(frames, 1);
    peer.disconnected();
  });

  it("does not send a message longer than the far end allows", async () => {
    const { peer, traffic } = peerWith({ emit: () => assert.fail("it was sent") });
    assert.equal(outcome(await peer.send(new Uint8Array(1001))), "OVERSIZE");
    assert.equal(traffic.messagesSent, 0);
  });

  it("stops between two frames when the signal aborts or the far end refuses", async () => {
    const { sending, frames } = pair(() => accepted);
    const closing = new AbortController();
    const sent = sending.peer.send(new Uint8Array(250), closing.signal);
    closing.abort();
    assert.equal(outcome(await sent), "STALE_ROUND");
    assert.equal(frames(), 1);

    let emitted = 0;
    const malformed = encodeReply(refuse({ code: "MALFORMED", message: "no" }));
    const { peer } = peerWith({
      emit: (_, reply) => {
        emitted++;
        reply(malformed);
      },
    });
    assert.equal(outcome(await peer.send(new Uint8Array(250))), "MALFORMED");
    assert.equal(emitted, 1);
  });

  it("fails everything that waits for a reply when the connection breaks, and all later messages", async () => {
    const { peer } = peerWith({});
    const sent = peer.send(new Uint8Array(10));
    peer.disconnected();
    assert.equal(outcome(await sent), "HOST_LOST");
    assert.equal(outcome(await peer.send(new Uint8Array(10))), "HOST_LOST");
  });

  it("closes the connection to an end that does not reply", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { peer } = peerWith({
        close: () => {
          peer.disconnected();
        },
      });
      const sent = peer.send(new Uint8Array(10));
      // The time is measured in slices of a second, one timer after another.
      for (let ticked = 0; ticked < replyTimeout; ticked += 1000) mock.timers.tick(1000);
      assert.equal(outcome(await sent), "HOST_LOST");
    } finally {
      mock.timers.reset();
    }
  });

  it("treats an invalid reply as a refusal", async () => {
    for (const bytes of [undefined, "text", Uint8Array.of(255), new Uint8Array(0)]) {
      const { peer } = peerWith({
        emit: (_, reply) => {
          reply(bytes);
        },
      });
      assert.equal(outcome(await peer.send(new Uint8Array(10))), "MALFORMED");
    }
  });

  it("answers any input, with or without a callback", () => {
    const { peer, traffic } = peerWith({}, () => {
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
    for (const args of calls) peer.receive(args);
    assert.equal(replies.length, 4);
    assert.deepEqual([...traffic.refused], [["MALFORMED", 6]]);
  });

  it("accepts only short messages before the limits are agreed on", () => {
    const traffic = new Traffic();
    const peer = new Peer(
      { emit: () => undefined, close: () => undefined },
      traffic,
      () => accepted,
    );
    peer.receive([Uint8Array.of(0x18, 0x81, 0x80, 0x04)]); // total 65537
    assert.deepEqual([...traffic.refused], [["OVERSIZE", 1]]);
  });
});
