import assert from "node:assert/strict";
import { runBothWays } from "./support/both-ways.js";
import { readRecords } from "./support/federation.js";

describe("copy-average over sockets", () => {
  it("gives the bytes of one process and flags the students of the negated teacher", async () => {
    const small = ["rounds=1", "baselines=[]", "task.d=12"];
    const [first] = await readRecords(
      await runBothWays("libs/methods/copy-average/trials/sign-flip.yaml", small),
    );
    assert.deepEqual(
      first?.clients.map(({ verdict }) => verdict),
      first?.clients.map(({ attack }) => (attack === "sign-flip" ? "contaminated" : "benign")),
    );
  });
});
