import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runBothWays } from "./support/both-ways.js";
import { readRecords } from "./support/federation.js";

describe("evaluation-bias over sockets", () => {
  it("flags the institutions that fabricate scores, gives the bytes of one process and draws figures", async () => {
    const set = ["baselines=[]", "evaluate=never"];
    const trial = "libs/methods/evaluation-bias/trials/fabricated.yaml";
    const out = await runBothWays(trial, set, { report: true });
    const records = await readRecords(out);
    assert.deepEqual(
      records.map(({ phase }) => phase),
      ["reference", "moments"],
    );
    for (const { phase, clients } of records) {
      assert.equal(clients.filter(({ attack }) => attack !== null).length, 5);
      for (const { attack, verdict } of clients) {
        if (attack === null) assert.equal(verdict, "benign");
        // Histograms of few numbers are too rough to tell.
        else if (phase === "moments") assert.equal(verdict, "contaminated");
      }
    }
    for (const name of ["densities", "selection", "institutions"]) {
      assert.ok(existsSync(join(out, "figures", `${name}.png`)), name);
    }
  });
});
