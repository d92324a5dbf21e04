import assert from "node:assert/strict";
import type { StreamedArmRound } from "../../src/data/protocol.js";
import { orderRows, type RowChoice } from "./order.js";
import { clientId, RunData } from "./run-data.js";
import { verdictOf } from "./verdicts.js";

function round(number: number, ids: number[], ratio: (number | null)[], verdicts: string, a = 0) {
  const scores = ratio.map((one) => one ?? "–").join(" ");
  const streamed: StreamedArmRound = {
    a,
    round: number,
    columns: { round: number, ids: ids.join(" "), verdicts, scores, thresholds: "1" },
    ...(ids.includes(7) && { truths: { 7: "sign-flip" } }),
    metric: [0.5, 0.4, 0.6, 3],
    down: 100,
    up: 10,
  };
  return streamed;
}

/** Client 3 is benign, client 7 is flagged twice, client 5 fails once and comes late. */
function example(): RunData {
  const data = new RunData();
  data.addRound(round(1, [3, 7], [0.5, 4], "bc"));
  data.addRound(round(2, [7, 5], [2, null], "cf"));
  return data;
}

describe("RunData", () => {
  it("has a row for each client, and a column for each round, absent where it was not sampled", () => {
    const data = example();
    assert.deepEqual(data.clients, [3, 7, 5]);
    const [first, second] = data.arm(0).columns;
    const verdicts = (codes?: Uint8Array) => Array.from(codes ?? [], verdictOf);
    assert.deepEqual(verdicts(first?.codes), ["benign", "contaminated"]);
    assert.deepEqual(verdicts(second?.codes), [undefined, "contaminated", "failed"]);
    assert.deepEqual([...(second?.ratios ?? [])], [NaN, 2, NaN]);
    assert.deepEqual(
      [0, 1, 2].map((row) => data.truth(row)),
      ["benign", "sign-flip", "benign"],
    );
  });

  it("adds up over rounds, and each arm for itself", () => {
    const data = example();
    data.addRound(round(1, [3], [9], "c", 1));
    assert.deepEqual(data.arm(0).totals(1), {
      judged: 2,
      flagged: 2,
      failed: 0,
      lastRatio: 2,
      lastVerdict: "contaminated",
      maxRatio: 4,
    });
    assert.equal(data.arm(0).totals(2).failed, 1);
    assert.equal(data.arm(0).totals(0).flagged, 0);
    assert.equal(data.arm(1).totals(0).flagged, 1);
    assert.deepEqual([data.arm(0).down, data.arm(0).up], [200, 20]);
    assert.deepEqual(
      data.arm(0).measured.map(({ round: number }) => number),
      [1, 2],
    );
  });

  it("keeps a verdict when a later round judges nobody", () => {
    const data = example();
    data.addRound(round(3, [7], [null], "-"));
    assert.equal(data.arm(0).totals(1).lastVerdict, "contaminated");
  });

  it("does not count cells of rounds that are left out of the map", () => {
    const data = example();
    data.addRound({ a: 0, round: 3, down: 1, up: 1 });
    assert.equal(data.arm(0).columns.length, 2);
    assert.equal(data.arm(0).down, 201);
  });
});

describe("orderRows", () => {
  const choose = (changes: Partial<RowChoice>) => {
    const data = example();
    const choice: RowChoice = {
      arm: 0,
      sort: "suspicion",
      search: "",
      pinned: new Set<number>(),
      label: (client) => (client === 3 ? "c03 Lincoln" : clientId(client, 10)),
      ...changes,
    };
    return orderRows(data, choice).map((row) => data.clients[row]);
  };

  it("sorts by any key, pinned clients first, and equal ones by client", () => {
    assert.deepEqual(choose({}), [7, 3, 5]);
    assert.deepEqual(choose({ sort: "client" }), [3, 5, 7]);
    assert.deepEqual(choose({ sort: "failures" }), [5, 3, 7]);
    assert.deepEqual(choose({ sort: "truth" }), [7, 3, 5]);
    assert.deepEqual(choose({ pinned: new Set([5]) }), [5, 7, 3]);
  });

  it("searches ids and names in any case", () => {
    assert.deepEqual(choose({ search: " linc" }), [3]);
    assert.deepEqual(choose({ search: "C0" }), [7, 3, 5]);
    assert.deepEqual(choose({ search: "nobody" }), []);
  });
});
