import assert from "node:assert/strict";
import { mock } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Assembler } from "./assembler.js";
import { encodeFrame } from "../codec/frame.js";
import { largeMessageBytes, ByteSemaphore } from "./byte-semaphore.js";

/** Whether it has started. */
async function came(wait: Promise<void> | undefined): Promise<boolean> {
  const soon = setImmediate(false);
  return await Promise.race([(wait ?? Promise.resolve()).then(() => true), soon]);
}

describe("ByteSemaphore", () => {
  afterEach(() => {
    mock.timers.reset();
  });

  it("start messages in order while there is room, and one that is larger than the limit by itself", async () => {
    const semaphore = new ByteSemaphore(10);
    const [first, second, third, fourth] = [20, 4, 6, 1].map((bytes) => semaphore.acquire(bytes));
    assert.equal(first?.wait, undefined);
    const waits = [second?.wait, third?.wait, fourth?.wait];
    assert.deepEqual(await Promise.all(waits.map(came)), [false, false, false]);
    first?.release();
    assert.deepEqual(await Promise.all(waits.map(came)), [true, true, false]);
    second?.release();
    second?.release();
    assert.equal(await came(waits[2]), true);
  });

  it("skip a sender that gave up while it waited", async () => {
    const semaphore = new ByteSemaphore(10);
    const [first, second, third] = [10, 10, 10].map((bytes) => semaphore.acquire(bytes));
    const [waiting, last] = [second?.wait, third?.wait];
    second?.release();
    assert.equal(await came(waiting), true);
    first?.release();
    assert.equal(await came(last), true);
    assert.notEqual(semaphore.acquire(1).wait, undefined);
  });

  it("start after 20 s at the latest, and pass to another after 5 s without a byte", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const semaphore = new ByteSemaphore(10);
    const slow = semaphore.acquire(10);
    const [second, third] = [semaphore.acquire(10), semaphore.acquire(10)];
    for (let second = 0; second < 19; second++) {
      mock.timers.tick(1000);
      slow.extend();
    }
    assert.notEqual(second.wait, undefined);
    mock.timers.tick(1000);
    assert.deepEqual([second.wait, third.wait], [undefined, undefined]);
    const next = semaphore.acquire(1);
    assert.notEqual(next.wait, undefined);
    mock.timers.tick(5000);
    assert.equal(next.wait, undefined);
  });

  it("pass to another after 20 s from a sender that drips", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const semaphore = new ByteSemaphore(10);
    const slow = semaphore.acquire(10);
    const drip = (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        mock.timers.tick(1000);
        slow.extend();
      }
    };
    drip(10);
    const next = semaphore.acquire(10);
    drip(9);
    assert.notEqual(next.wait, undefined);
    drip(1);
    assert.equal(next.wait, undefined);
  });
});

describe("Assembler, of large messages", () => {
  const payload = new Uint8Array(1 << 20);
  const frame = (transfer: number, offset: number) =>
    encodeFrame({ transfer, offset, total: largeMessageBytes, payload });
  const rest = (assembler: Assembler, transfer: number) => {
    for (let at = payload.length; at < largeMessageBytes; at += payload.length)
      assert.equal(
        assembler.accept(frame(transfer, at)) !== undefined,
        at + payload.length === largeMessageBytes,
      );
  };

  it("starts the next when one is complete, abandoned, or its connection is gone", async () => {
    const semaphore = new ByteSemaphore(largeMessageBytes);
    const [one, other] = [
      new Assembler(largeMessageBytes, semaphore),
      new Assembler(largeMessageBytes, semaphore),
    ];
    one.accept(frame(1, 0));
    assert.equal(one.wait, undefined);
    other.accept(frame(1, 0));
    const waiting = other.wait;
    assert.equal(await came(waiting), false);
    rest(one, 1);
    assert.equal(await came(waiting), true);
    one.accept(frame(2, 0));
    const second = one.wait;
    assert.throws(() => other.accept(frame(1, 0).slice(0, -1)));
    assert.equal(await came(second), false, "an invalid frame has no transfer");
    assert.throws(() => other.accept(frame(1, 3 * payload.length)));
    assert.equal(await came(second), true);
    other.accept(frame(5, 0));
    const third = other.wait;
    one.close();
    assert.equal(await came(third), true);
  });

  it("does not require a turn for short ones", () => {
    const assembler = new Assembler(largeMessageBytes, new ByteSemaphore(1));
    const short = { total: 4, payload: Uint8Array.of(1) };
    for (const transfer of [1, 2]) {
      assembler.accept(encodeFrame({ transfer, offset: 0, ...short }));
      assert.equal(assembler.wait, undefined);
    }
  });
});
