import assert from "node:assert/strict";
import { fedclair } from "./support/command.js";
import { recordsOf } from "./support/federation.js";
import { temporaryFolder } from "./support/paths.js";

describe("graph-learning over sockets", () => {
  it("finds the colluders and the graph, where the naive way does not", async () => {
    const out = await temporaryFolder();
    const trial = "trials/graph-learning/collude.yaml";
    const ended = await fedclair(["run", trial, "--hosts", "2", "--out", out]);
    assert.equal(ended.code, 0, ended.stderr);

    const records = await recordsOf(out);
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
