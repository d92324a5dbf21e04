import assert from "node:assert/strict";
import { runBothWays } from "./support/both-ways.js";
import { readRecords } from "./support/federation.js";

describe("alberdice over sockets", () => {
  it("gives the bytes of one process on the bridge with three of ten clients reversed", async () => {
    const small = ["rounds=3", "task.sweeps=2", "baselines=[]"];
    const hosts = await runBothWays("libs/methods/alberdice/trials/bridge-reverse.yaml", small);
    const records = await readRecords(hosts);
    assert.deepEqual(
      records.map(({ phase }) => phase),
      ["agent0", "agent1", "agent0"],
    );
    for (const { clients, metrics } of records) {
      for (const { attack, verdict, failure } of clients) {
        assert.equal(failure, null);
        // Without a threshold no client is benign either; only the screen flags the reversed ones.
        const expected = attack === null ? ["benign", "undecided"] : ["contaminated"];
        assert.ok(expected.includes(verdict ?? ""), `${attack} ${verdict}`);
      }
      assert.ok(Number.isFinite(metrics["return"]) && Number.isFinite(metrics["nashGap"]));
    }
  });

  it("gives the bytes of one process with networks", async () => {
    const small = ["rounds=3", "task.learner.dataSteps=20"];
    const hosts = await runBothWays("libs/methods/alberdice/trials/network-xor.yaml", small);
    const records = await readRecords(hosts);
    assert.deepEqual(
      records.map(({ phase }) => phase),
      ["data", "agent0", "agent1"],
    );
    assert.ok(records.every(({ clients }) => clients.every(({ failure }) => failure === null)));
  });
});
