import assert from "node:assert/strict";
import { runBothWays } from "./support/both-ways.js";
import { recordsOf } from "./support/federation.js";

describe("alberdice over sockets", () => {
  it("has two hosts cross the bridge with three of ten clients reversed, as in one process", async () => {
    const small = ["rounds=4", "task.sweeps=2", "baselines=[]"];
    const hosts = await runBothWays("trials/alberdice/bridge-reverse.yaml", small);
    const records = await recordsOf(hosts);
    assert.deepEqual(
      records.map(({ phase }) => phase),
      ["agent0", "agent1", "agent0", "agent1"],
    );
    for (const { clients, metrics } of records) {
      for (const { attack, verdict, failure } of clients) {
        assert.equal(failure, null);
        // In a round without a threshold nobody is found benign either: the screen alone tells the reversed ones.
        const expected = attack === null ? ["benign", "undecided"] : ["contaminated"];
        assert.ok(expected.includes(verdict ?? ""), `${attack} ${verdict}`);
      }
      assert.ok(Number.isFinite(metrics["return"]) && Number.isFinite(metrics["nashGap"]));
    }
  });

  it("has two hosts train networks, as in one process", async () => {
    const small = ["rounds=3", "task.learner.dataSteps=20"];
    const hosts = await runBothWays("trials/alberdice/network-xor.yaml", small);
    const records = await recordsOf(hosts);
    assert.deepEqual(
      records.map(({ phase }) => phase),
      ["data", "agent0", "agent1"],
    );
    assert.ok(records.every(({ clients }) => clients.every(({ failure }) => failure === null)));
  });
});
