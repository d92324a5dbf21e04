import assert from "node:assert/strict";
import { runBothWays } from "./support/both-ways.js";
import { readRecords } from "./support/federation.js";

describe("a streamed round over sockets", () => {
  it("gives the bytes of one process, with a verdict on each client", async () => {
    const small = ["rounds=1", "clients=1100", "cohort.count=1100"];
    const quick = [
      "aggregator.rule=gap",
      "aggregator.minBenignFraction=1",
      "task.partition.samples=12",
    ];
    const [first] = await readRecords(
      await runBothWays("trials/scale/lr-mnist.yaml", [...small, ...quick], { hosts: 2 }),
    );
    assert.equal(first?.clients.length, 1100);
    assert.ok(first.clients.every(({ verdict }) => verdict !== undefined));
    assert.equal(first.metrics["groups"], 11);
  });
});
