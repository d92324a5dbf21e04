import assert from "node:assert/strict";
import { toyTrial } from "@fedclair/core/testing";
import { runOf } from "../../testing/run-of.js";
import type { Run } from "../run/read-run.js";
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

  it("compares main arms with each other, whatever they are called", () => {
    const [first, second] = ["mean", "median"].map((label, i) => {
      const own = run({});
      const details = [
        { name: `accuracy.${label}`, metric: "accuracy", arm: label, value: 0.9 - i / 10 },
        { name: "accuracy.local", metric: "accuracy", arm: "local", value: 0.7 },
      ].map((one) => ({ ...one, scope: "clients" as const, better: "higher" as const }));
      const [main, ...others] = own.arms;
      const arms = [{ ...main, label }, ...others] as const;
      return { ...own, arms, summary: { ...own.summary, details } };
    });
    assert.ok(first && second);
    const { measures, verdicts } = compareRuns(
      new Map([
        ["a", first],
        ["b", second],
      ]),
    );
    assert.deepEqual(measures, [
      { name: "accuracy", values: [0.9, 0.8], best: new Set([0]) },
      { name: "accuracy.local", values: [0.7, 0.7], best: new Set() },
    ]);
    assert.equal(verdicts.length, 2);
  });

  it("marks no best seed, and estimates the mean instead", () => {
    const runs = [0.8, 0.9].map((accuracy, i) => run({ accuracy }, { seed: i + 1 }));
    const [first = assert.fail(), second = assert.fail()] = runs;
    const { areSeeds, measures } = compareRuns(
      new Map([
        ["a", first],
        ["b", second],
      ]),
    );
    assert.equal(areSeeds, true);
    assert.deepEqual(measures[0]?.best, new Set());
    assert.equal(measures[0].estimate?.n, 2);
    assert.ok(Math.abs(measures[0].estimate.mean - 0.85) < 1e-12);
  });

  it("says which runs have personal models, and on what data they compare", () => {
    const [own, shared] = [run({ accuracy: 0.9 }), run({ accuracy: 0.7 }, { rounds: 2 })];
    const personal = { ...own, summary: { ...own.summary, personal: [own.arms[0].label] } };
    const compared = new Map([
      ["a", personal],
      ["b", shared],
    ]);
    assert.equal(
      compareRuns(compared).models,
      "personal models, one per client: a; one shared model: b; both are measured on each client's own data",
    );
    assert.equal(
      compareRuns(
        new Map([
          ["a", own],
          ["b", shared],
        ]),
      ).models,
      undefined,
    );
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
