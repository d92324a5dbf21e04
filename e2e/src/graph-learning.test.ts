import assert from "node:assert/strict";
import { fedclair } from "./support/command.js";
import { readRecords } from "./support/federation.js";
import { temporaryFolder } from "./support/paths.js";

describe("graph-learning over sockets", () => {
  it("flags the colluders and recovers the graph, unlike the naive method", async () => {
    const out = await temporaryFolder();
    const trial = "libs/methods/graph-learning/trials/collude.yaml";
    const outcome = await fedclair(["run", trial, "--hosts", "2", "--no-report", "--out", out]);
    assert.equal(outcome.code, 0, outcome.stderr);

    const records = await readRecords(out);
    const metricsOf = (arm: string) => records.find((record) => record.arm === arm)?.metrics ?? {};
    assert.equal(metricsOf("covariance-distance").f, 1);
    assert.ok((metricsOf("naive").f ?? NaN) < 0.8);
    const flagged = records[0]?.clients.filter(({ verdict }) => verdict === "contaminated");
    assert.deepEqual(
      flagged?.map(({ attack }) => attack),
      ["collude", "collude", "collude"],
    );
  });
});
