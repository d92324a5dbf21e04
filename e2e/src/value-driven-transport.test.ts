import assert from "node:assert/strict";
import { runBothWays } from "./support/both-ways.js";
import { readRecords } from "./support/federation.js";

const trial = "libs/methods/value-driven-transport/trials/contaminated.yaml";
const small = ["rounds=2", "task.localSteps=2", "task.measureEvery=1", "task.evaluationSamples=30"];

describe("value-driven transport over sockets", () => {
  it("gives the bytes of one process and Multi-Krum's verdict on every client", async () => {
    const [first] = await readRecords(await runBothWays(trial, small));
    assert.equal(first?.clients.length, 12);
    assert.ok(first.clients.every(({ verdict, failure }) => verdict && failure === null));
    assert.ok((first.metrics.w2 ?? NaN) > 0);
  });
});
