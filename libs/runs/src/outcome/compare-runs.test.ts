import assert from "node:assert/strict";
import { toyTrial } from "@fedclair/core/testing";
import { runOf } from "../../testing/run-of.js";
import type { Run } from "../run.js";
import { compareRuns } from "./compare-runs.js";

describe("compareRuns", () => {
  const run = (values: Readonly<Record<string, number>>, changes = {}): Run => {
    const trial = toyTrial(changes);
    const details = Object.entries(values).map(([name, value]) => ({
      name,
      scope: "clients" as const,
      metric: name,
      value,
      ...(name !== "size" && {
        better: name === "loss" ? ("lower" as const) : ("higher" as const),
      }),
    }));
    const own = runOf(trial, []);
    return { ...own, summary: { ...own.summary, measures: values, details } };
  };

  it("lists the differences between the trials and all measures, with the best ones marked", () => {
    const attacks = [{ attack: { name: "toy-shift" }, clients: ["c01"] }];
    const { names, differences, measures } = compareRuns(
      new Map([
        ["a", run({ accuracy: 0.9, loss: 3, size: 1 })],
        ["b", run({ accuracy: 0.9, loss: 2, size: 2 }, { seed: 2, attacks })],
        ["c", run({ accuracy: 0.5 }, { seed: 2 })],
      ]),
    );
    assert.deepEqual(names, ["a", "b", "c"]);
    assert.deepEqual(differences, [
      { path: "seed", values: ["1", "2", "2"] },
      { path: "attacks.0.attack.name", values: [undefined, '"toy-shift"', undefined] },
      { path: "attacks.0.clients.0", values: [undefined, '"c01"', undefined] },
    ]);
    assert.deepEqual(measures, [
      { name: "accuracy", values: [0.9, 0.9, 0.5], best: new Set([0, 1]) },
      { name: "loss", values: [3, 2, undefined], best: new Set([1]) },
      { name: "size", values: [1, 2, undefined], best: new Set() },
    ]);
  });

  it("marks nothing if all runs are equal", () => {
    const same = run({ accuracy: 0.9 });
    const { differences, measures } = compareRuns(
      new Map([
        ["a", same],
        ["b", same],
      ]),
    );
    assert.deepEqual(differences, []);
    assert.deepEqual(measures[0]?.best, new Set());
  });
});
