import assert from "node:assert/strict";
import { atATime } from "./at-a-time.js";

describe("atATime", () => {
  it("limits concurrency, starts tasks in order and returns every result", async () => {
    let running = 0;
    let most = 0;
    const started: number[] = [];
    const tasks = [0, 1, 2, 3, 4].map((i) => async () => {
      started.push(i);
      most = Math.max(most, ++running);
      for (let tick = 0; tick < 5 - i; tick++) await Promise.resolve();
      running--;
      return i * i;
    });
    assert.deepEqual(await Promise.all(atATime(tasks, 2)), [0, 1, 4, 9, 16]);
    assert.deepEqual([most, started], [2, [0, 1, 2, 3, 4]]);
  });

  it("continues after a failure", async () => {
    const tasks = [() => Promise.reject(new Error("no")), () => Promise.resolve(1)];
    const settled = await Promise.allSettled(atATime(tasks, 1));
    assert.deepEqual(
      settled.map(({ status }) => status),
      ["rejected", "fulfilled"],
    );
  });
});
