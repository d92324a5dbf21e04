import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import wrapAnsi from "wrap-ansi";
import { createGrid, type GridRun } from "../../testing/grids.js";
import { computeResults } from "./results.js";
import { sweepText } from "./sweep-text.js";

/** Accuracies by rule and attack: a clear winner without attackers, none under ALIE. */
const values = {
  none: { clair: [0.9, 0.91, 0.92], krum: [0.8, 0.81, 0.83], fedavg: [0.79, 0.82, 0.82] },
  alie: { clair: [0.6, 0.7, 0.65], krum: [0.61, 0.69, 0.64], fedavg: [0.1, 0.15, 0.2] },
};

const runs = Object.entries(values).flatMap(([attacks, rules]) =>
  Object.entries(rules).flatMap(([rule, seeds]) =>
    seeds.map((value, i): GridRun => {
      const accuracy = { metric: "accuracy", better: "higher", n: 10 } as const;
      return {
        at: { aggregator: rule, attacks },
        seed: i + 1,
        arms: [rule],
        details: [
          { ...accuracy, scope: "clients", arm: rule, value },
          { scope: "detection", metric: "recall", value: value / 2, n: 20, better: "higher" },
        ],
      };
    }),
  ),
);
const task = { metrics: {}, primary: "accuracy" };
const resultsOf = (some = runs, correction?: "holm") => {
  const { grid, summaries } = createGrid(some, { task, measures: ["accuracy"] });
  return computeResults({ ...grid, correction }, summaries);
};

describe("the best rules of a sweep", () => {
  it("are found under each attack, with those that cannot be told from them", () => {
    assert.deepEqual(
      resultsOf().best.map(({ place, methods, alike }) => [place, methods, alike]),
      [
        ["none", ["clair"], []],
        ["alie", ["clair"], ["krum"]],
      ],
    );
    assert.deepEqual(resultsOf().highlights.find(({ topic }) => topic === "Best")?.texts, [
      "accuracy, none: clair with 0.910 ± 0.025 (3).",
      "accuracy, alie: clair with 0.650 ± 0.124 (3); not distinguishable: krum.",
    ]);
    const text = stripVTControlCharacters(sweepText(resultsOf()));
    assert.match(text, /^accuracy +none +clair +0\.910 ± 0\.025 \(3\) +–$/m);
    assert.match(text, /^accuracy +alie +clair +0\.650 ± 0\.124 \(3\) +krum$/m);
  });

  it("are not told by a single seed", () => {
    assert.deepEqual(resultsOf(runs.filter(({ seed }) => seed === 1)).best, []);
  });

  it("come from the differences of all pairs", () => {
    const pairs = resultsOf().differences.map(
      ({ place, method, reference }) => `${place}: ${method} − ${reference}`,
    );
    assert.deepEqual(
      pairs,
      ["none", "alie"].flatMap((place) =>
        ["clair − krum", "clair − fedavg", "krum − fedavg"].map((pair) => `${place}: ${pair}`),
      ),
    );
  });

  it("are corrected for many comparisons on request", () => {
    const { differences } = resultsOf(runs, "holm");
    const [plain] = resultsOf().differences;
    assert.deepEqual([plain?.p, plain?.outcome], [undefined, "better"]);
    for (const { p = NaN, outcome } of differences)
      assert.equal(outcome === "not distinguishable", p > 0.05);
    const text = stripVTControlCharacters(sweepText(resultsOf(runs, "holm")));
    assert.match(text, /^none +clair − krum +accuracy .* 0\.00\d +better$/m);
    assert.match(
      text,
      /Holm's adjusted p-value over all differences of a measure \(6 of 1 measures\)/,
    );
  });

  it("are the best arms of a study if rules do not vary", () => {
    const accuracy = (arm: string, value: number) =>
      ({ scope: "clients", metric: "accuracy", better: "higher", arm, value, n: 10 }) as const;
    const study = [1, 2, 3].map((seed): GridRun => {
      const arms = ["clair", "median", "oracle"];
      const details = arms.map((arm, i) => accuracy(arm, 0.5 + i / 10 + seed / 100));
      const comparison = { kind: "gainOver", arm: "median" } as const;
      return { seed, arms, details: [...details, { ...accuracy("clair", -0.1), comparison }] };
    });
    const { grid, summaries } = createGrid(study, { task });
    const [best, ...more] = computeResults(grid, summaries).best;
    assert.deepEqual([best?.methods, best?.alike, more], [["median"], [], []]);
  });
});

describe("methods that tie", () => {
  it("have one value, without the interval of either", () => {
    const tie = { clair: [0.6, 0.7, 0.65], krum: [0.55, 0.75, 0.65] };
    const some = Object.entries(tie).flatMap(([rule, seeds]) =>
      seeds.map((value, i): GridRun => {
        const accuracy = { metric: "accuracy", better: "higher", n: 10 } as const;
        const details = [{ ...accuracy, scope: "clients", arm: rule, value } as const];
        return { at: { aggregator: rule }, seed: i + 1, arms: [rule], details };
      }),
    );
    const { best, highlights } = resultsOf(some);
    assert.deepEqual(
      best.map(({ methods, value, alike }) => [methods, value, alike]),
      [[["clair", "krum"], "0.650", []]],
    );
    const texts = highlights.find(({ topic }) => topic === "Best")?.texts;
    assert.deepEqual(texts, ["accuracy: clair, krum with 0.650."]);
    const lines = stripVTControlCharacters(
      sweepText(resultsOf(), { width: 60, wrap: wrapAnsi }),
    ).split("\n");
    assert.ok(
      lines.every((line) => line.length <= 60),
      lines.join("\n"),
    );
  });
});

describe("the summary of a sweep over attacks", () => {
  const textsOf = (some: readonly GridRun[]) =>
    resultsOf([...some]).highlights.find(({ topic }) => topic === "Attacks that get through")
      ?.texts;

  it("names those that do harm, where a study without attackers shows it", () => {
    const [clair = "", krum = "", fedavg = ""] = textsOf(runs) ?? [];
    assert.match(clair, /^clair: alie \(accuracy -0\.260 \[-0\.374, -0\.146\] \(3\)\)\.$/);
    assert.match(krum, /^krum: alie /);
    assert.match(fedavg, /^fedavg: alie /);
    const harmless = runs.map((run) => ({ ...run, details: runs[0]?.details ?? [] }));
    assert.match(textsOf(harmless)?.[0] ?? "", /^clair: none of 1 does harm unflagged, as far/);
    const flagged = runs.map((run) => {
      const [accuracy, recall] = run.details;
      return {
        ...run,
        details: accuracy && recall ? [accuracy, { ...recall, value: 1 }] : run.details,
      };
    });
    assert.match(textsOf(flagged)?.[0] ?? "", /^clair: none of 1 does harm unflagged, as far/);
  });

  it("names those that are mostly not flagged otherwise", () => {
    const attacked = runs.filter(({ at }) => at?.attacks === "alie");
    const recalls = attacked.map((run) => {
      const [accuracy, recall] = run.details;
      assert.ok(accuracy && recall);
      return run.arms?.[0] === "krum"
        ? { ...run, details: [accuracy, { ...recall, value: 1 }] }
        : run;
    });
    assert.deepEqual(textsOf(recalls), [
      "clair: alie (flagged 20 of 60 (23–46 %)).",
      "krum: none of 1.",
      "fedavg: alie (flagged 5 of 60 (3.6–18 %)).",
      "With [] among the attacks, this names those that do harm.",
    ]);
  });
});
