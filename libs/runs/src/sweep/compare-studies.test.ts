import assert from "node:assert/strict";
import { toyTrial } from "@fedclair/core/testing";
import { runOf } from "../../testing/run-of.js";
import { compareStudies, studyOfRun, type ComparedStudy } from "./compare-studies.js";
import { findBestCells } from "./table.js";

describe("compareStudies", () => {
  const study = (
    name: string,
    values: Readonly<Record<string, number>>,
    changes = {},
    personal: readonly string[] = [],
  ): ComparedStudy => {
    const own = runOf(toyTrial(changes), []);
    const details = Object.entries(values).map(([metric, value]) => ({
      name: metric,
      scope: "clients" as const,
      metric,
      value,
      ...(metric !== "size" && {
        better: metric === "loss" ? ("lower" as const) : ("higher" as const),
      }),
    }));
    return studyOfRun(name, { ...own, summary: { ...own.summary, details, personal } });
  };
  const bestOf = (...studies: readonly ComparedStudy[]) =>
    compareStudies(studies).tables.map(({ measure, cells: [row = []], worse }) => [
      measure,
      ...findBestCells(row, worse),
    ]);

  it("lists the differences between the trials and all measures, and finds the best ones", () => {
    const attacks = [{ attack: { name: "toy-shift" }, clients: ["c01"] }];
    const studies = [
      study("a", { accuracy: 0.9, loss: 3, size: 1 }),
      study("b", { accuracy: 0.9, loss: 2, size: 2 }, { seed: 2, attacks }),
      study("c", { accuracy: 0.5 }, { seed: 2 }),
    ];
    const { trialDifferences, tables } = compareStudies(studies);
    assert.deepEqual(trialDifferences, [
      { path: "seed", values: ["1", "2", "2"] },
      { path: "attacks.0.attack.name", values: [undefined, '"toy-shift"', undefined] },
      { path: "attacks.0.clients.0", values: [undefined, '"c01"', undefined] },
    ]);
    assert.deepEqual(
      tables.map(({ cells: [row] }) => row?.map((cell) => cell?.mean)),
      [
        [0.9, 0.9, 0.5],
        [3, 2, undefined],
        [1, 2, undefined],
      ],
    );
    assert.deepEqual(bestOf(...studies), [["accuracy", 0, 1], ["loss", 1], ["size"]]);
  });

  it("finds no best one if all are equal, or among means over seeds", () => {
    const same = study("a", { accuracy: 0.9 });
    assert.deepEqual(bestOf(same, { ...same, name: "b" }), [["accuracy"]]);
    const { runs } = study("c", { accuracy: 0.1 });
    const seeds = {
      ...same,
      name: "c",
      runs: [...runs, ...runs.map((one) => ({ ...one, seed: 2 }))],
    };
    assert.deepEqual(bestOf(same, seeds), [["accuracy"]]);
    assert.deepEqual(compareStudies([same, seeds]).trialDifferences, []);
  });

  it("compares main arms with each other, whatever they are called", () => {
    const [first, second] = ["mean", "median"].map((label, i) => {
      const own = study(label, {});
      const details = [
        { name: `accuracy.${label}`, metric: "accuracy", arm: label, value: 0.9 - i / 10 },
        { name: "accuracy.local", metric: "accuracy", arm: "local", value: 0.7 },
      ].map((one) => ({ ...one, scope: "clients" as const, better: "higher" as const }));
      const arms = own.arms.map((arm, k) => (k === 0 ? { ...arm, label } : arm));
      return {
        ...own,
        arms,
        runs: own.runs.map((one) => ({ ...one, summary: { ...one.summary, details } })),
      };
    });
    assert.ok(first && second);
    assert.deepEqual(bestOf(first, second), [["accuracy", 0], ["accuracy.local"]]);
  });

  it("says which have personal models, and on what data they compare", () => {
    const { label = "" } = study("a", {}).arms[0] ?? {};
    const shared = study("b", { accuracy: 0.7 });
    assert.equal(
      compareStudies([study("a", { accuracy: 0.9 }, {}, [label]), shared]).models,
      "personal models, one per client: a; one shared model: b; both are measured on each client's own data",
    );
    assert.equal(compareStudies([study("a", { accuracy: 0.9 }), shared]).models, undefined);
  });
});
