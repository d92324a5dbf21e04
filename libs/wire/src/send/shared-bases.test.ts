import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Params } from "@fedclair/core";
import { SharedBases } from "./shared-bases.js";
import { largeMessageBytes, ByteSemaphore } from "./byte-semaphore.js";

const paramsOf = (bytes: number): Params =>
  new Map([["w", { shape: [bytes / 4], data: new Float32Array(bytes / 4) }]]);

/** Settles everything that waits for nothing else. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await setImmediate();
};

describe("the messages of bases", () => {
  it("are encoded once for those who need one at the same time", async () => {
    const bases = new SharedBases();
    const params = paramsOf(8);
    const used = await Promise.all(
      [1, 2].map(() => bases.use(params, ({ message }) => Promise.resolve(message))),
    );
    assert.equal(used[0], used[1]);
    assert.ok((used[0]?.length ?? 0) > 8);
  });

  it("take turns if they are large, also after one whose sending fails", async () => {
    const bases = new SharedBases(new ByteSemaphore(largeMessageBytes));
    const begun: string[] = [];
    const send = (name: string, bytes: number) => {
      const { promise, resolve, reject } = createDeferred();
      const sent = bases.use(paramsOf(bytes), () => {
        begun.push(name);
        return promise;
      });
      return { resolve, reject, sent };
    };
    const first = send("first", largeMessageBytes);
    const second = send("second", largeMessageBytes);
    const small = send("small", 8);
    await settle();
    assert.deepEqual(begun.sort(), ["first", "small"]);
    first.reject(new Error("lost"));
    await assert.rejects(first.sent, /lost/);
    await settle();
    assert.deepEqual(begun.sort(), ["first", "second", "small"]);
    for (const { resolve, sent } of [second, small]) {
      resolve();
      await sent;
    }
  });
});

function createDeferred() {
  let resolve = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((onDone, onError) => ([resolve, reject] = [onDone, onError]));
  return { promise, resolve, reject };
}
