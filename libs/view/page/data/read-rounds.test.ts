import assert from "node:assert/strict";
import type { RoundsData } from "../../src/data/rounds.js";
import { clientsOf, findNeighbours, ratioAt, toNumber } from "./read-rounds.js";

const data: RoundsData = {
  run: "first",
  arm: "clair",
  total: 2,
  clientSpacing: 1,
  names: { 0: "c00", 2: "c02", 5: "c05 Lincoln" },
  truths: { 5: "sign-flip" },
  metric: "accuracy",
  kinds: ["size", "copy"],
  texts: ["TIMEOUT: no answer", "output"],
  rounds: [
    {
      round: 1,
      ids: "0 2 5",
      verdicts: "bfc",
      scores: "1 – 1,200",
      thresholds: "2",
      metric: "0.5 – –",
      reasons: "– 0 –",
      evidence: [["0.1 – 7", "0 – 3", "–"]],
    },
    {
      round: 2,
      ids: "",
      verdicts: "bbb",
      scores: "1 2 3",
      thresholds: "2 4 6",
      metric: "–",
      reasons: "–",
      evidence: [
        ["1", "0 3 0", "–"],
        ["1", "0 0 5", "4"],
      ],
      modules: { 5: [[1, 3.25]] },
    },
  ],
};

describe("rounds on the page", () => {
  it("have one client per entry of their columns", () => {
    const [first, failed, flagged] = clientsOf(data, 0);
    assert.deepEqual(first, {
      index: 0,
      verdict: "benign",
      score: "1",
      threshold: "2",
      ratio: 0.5,
      metric: "0.5",
      reason: "",
      evidence: [{ kind: "size", statistic: "0.1", deviations: "0", rounds: "–" }],
      modules: [],
    });
    assert.equal(failed?.reason, "TIMEOUT: no answer");
    assert.deepEqual([failed.verdict, failed.ratio, failed.evidence], ["failed", NaN, []]);
    assert.deepEqual([flagged?.verdict, flagged?.ratio], ["contaminated", 600]);
  });

  it("take over the clients of the round before if they are the same", () => {
    assert.deepEqual(
      clientsOf(data, 1).map(({ index, ratio }) => [index, ratio]),
      [
        [0, 0.5],
        [2, 0.5],
        [5, 0.5],
      ],
    );
    assert.equal(ratioAt(data, 1, 5), 0.5);
    assert.ok(Number.isNaN(ratioAt(data, 0, 2)));
    assert.ok(Number.isNaN(ratioAt(data, 1, 4)));
  });

  it("have the modules of the clients that have some", () => {
    const modules = clientsOf(data, 1).map((client) => client.modules);
    assert.deepEqual(modules, [[], [], [{ module: "output", ratio: 3.25 }]]);
  });

  it("find neighbours by the distance of their evidence", () => {
    const clients = clientsOf(data, 1);
    const [client] = clients;
    assert.ok(client);
    assert.deepEqual(
      findNeighbours(clients, client, 5).map(({ client: { index }, distance }) => [
        index,
        distance,
      ]),
      [
        [2, 3],
        [5, 5],
      ],
    );
  });

  it("read numbers as tables write them", () => {
    assert.equal(toNumber("1,234"), 1234);
    assert.ok(Number.isNaN(toNumber("–")));
  });
});
