import assert from "node:assert/strict";
import { toyTrial } from "@fedclair/core/testing";
import { clientOf, lostClient, recordOf, runOf } from "../../testing/run-of.js";

const trial = {
  ...toyTrial(),
  aggregator: { name: "clair" },
  baselines: [{ label: "mean", aggregator: { name: "fedavg" }, clients: "all" as const }],
};

/** Creates records of both arms. @param ends the last round of each arm */
function* rounds(...ends: readonly [number, number]) {
  for (const [i, arm] of ["clair", "mean"].entries()) {
    for (let round = 1; round <= (ends[i] ?? 0); round++) yield recordOf(arm, round);
  }
}

describe("RunTally", () => {
  const drawn = (...ends: [number, number]) => {
    const run = runOf(trial, [...rounds(...ends)]);
    const of = (arm: string) =>
      run.drawn.filter((record) => record.arm === arm).map(({ round }) => round);
    return { clair: of("clair"), mean: of("mean"), rounds: Object.fromEntries(run.rounds) };
  };

  it("keeps all records of a short run", () => {
    const { clair, mean } = drawn(300, 2);
    assert.equal(clair.length, 300);
    assert.deepEqual(mean, [1, 2]);
  });

  it("keeps evenly spaced records of a long run, and the last of each arm", () => {
    const run = drawn(70_000, 600);
    assert.equal(run.clair.length, 275);
    assert.deepEqual(run.clair.slice(0, 3), [1, 257, 513]);
    assert.deepEqual(run.clair.slice(-2), [69_889, 70_000]);
    assert.deepEqual(run.mean, [1, 257, 513, 600]);
    assert.deepEqual(run.rounds, { clair: 70_000, mean: 600 });
  });

  it("selects the same rounds of a baseline that is ahead of the main arm", () => {
    const { clair, mean } = drawn(4, 602);
    assert.deepEqual(clair, [1, 4]);
    assert.deepEqual(mean.slice(0, 3), [1, 5, 9]);
  });

  it("does not measure an arm that is behind in an unfinished run", () => {
    const measured = (arm: string, round: number) =>
      recordOf(arm, round, clientOf("c00", null, undefined, 0.5));
    const records = [measured("clair", 1), measured("clair", 2), measured("mean", 1)];
    const names = (isFinished: boolean) =>
      Object.keys(runOf(trial, records, {}, isFinished).summary.measures);
    assert.ok(names(true).includes("accuracy.gainOver.mean"), "a task may end a method early");
    assert.ok(!names(false).some((name) => /^accuracy.*mean/.test(name)));
    assert.ok(names(false).includes("accuracy.clair"));
  });

  it("follows and draws evenly spaced clients if very many take part, and counts all", () => {
    const clients = Array.from({ length: 60_000 }, (_, k) =>
      clientOf(`c${String(k).padStart(5, "0")}`, null, "benign"),
    );
    const records = [1, 2, 3, 4].map((round) => recordOf("clair", round, ...clients));
    const run = runOf({ ...trial, clients: clients.length }, records);
    assert.deepEqual(run.spacing, { drawn: 2, clients: 2 });
    assert.deepEqual([...run.clients.keys()].slice(0, 3), ["c00000", "c00002", "c00004"]);
    assert.deepEqual(
      run.drawn.map((record) => record.clients.length),
      [30_000, 30_000, 30_000, 30_000],
    );
    assert.equal(run.detection.total.benign, 240_000);
    assert.deepEqual(
      runOf(
        trial,
        records.slice(0, 1).map((record) => ({ ...record, clients: clients.slice(0, 9) })),
      ).spacing,
      {
        drawn: 1,
        clients: 1,
      },
    );
  });

  it("counts failures beyond those that it lists", () => {
    const clients = [lostClient("c00"), lostClient("c01", "STRAGGLER"), clientOf("c02", null)];
    const { failures } = runOf(
      trial,
      Array.from({ length: 200 }, (_, i) => recordOf("clair", i + 1, ...clients)),
    );
    assert.deepEqual(
      [failures.first.length, failures.count, failures.training],
      [300, 400, { late: 200, failed: 200 }],
    );
  });
});
