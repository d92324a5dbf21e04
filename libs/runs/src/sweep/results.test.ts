import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { createGrid, type GridRun } from "../../testing/grids.js";
import type { Measure } from "../measures/measure.js";
import { commandName } from "../words/command-name.js";
import { computeResults } from "./results.js";
import { sweepText } from "./sweep-text.js";
import { formatCell, toCsv } from "./table.js";

type Detail = Omit<Measure, "name">;

const accuracy = (value: number, arm: string, metric = "accuracy"): Detail => {
  return { scope: "clients", metric, arm, value, n: 14, better: "higher" };
};
const gain = (value: number, arm: string): Detail => {
  const comparison = { kind: "gainOver", arm } as const;
  return { ...accuracy(value, "clair"), comparison };
};
const detection = (metric: string, value: number, n: number): Detail => {
  return { scope: "detection", metric, value, n };
};
const description = { better: "higher", description: "share" } as const;
const task = {
  metrics: {
    accuracy: { ...description, onSharedData: "uniformAccuracy" },
    uniformAccuracy: description,
  },
  primary: "accuracy",
};
const text = (...args: Parameters<typeof createGrid>) => {
  const { grid, summaries } = createGrid(...args);
  return stripVTControlCharacters(sweepText(computeResults(grid, summaries)));
};

describe("the results of a study", () => {
  // Two seeds: a mean of 2 with a standard deviation of √2 has the half width t · √2 / √2 = 12.7.
  const study: GridRun[] = [1, 3].map((value, i) => ({
    seed: i + 1,
    arms: ["clair", "fedavg", "local", "oracle"],
    personal: ["clair", "local"],
    details: [
      detection("recall", 0, 4),
      detection("falseAlarms", i, 16),
      detection("undecided", 16 + 2 * i, 20),
      accuracy(value, "clair"),
      accuracy(value - 1, "fedavg"),
      accuracy(value, "local"),
      accuracy(0.366, "clair", "uniformAccuracy"),
      accuracy(0.637, "fedavg", "uniformAccuracy"),
      gain(1, "fedavg"),
      gain(-0.5 + i, "local"),
      gain(-0.5, "oracle"),
    ],
  }));

  it("are a table of arms by metrics, with intervals and the number of seeds", () => {
    const lines = text(study, { task }).split("\n");
    assert.match(lines[0] ?? "", /^ +accuracy +uniformAccuracy$/);
    assert.match(lines[1] ?? "", /^clair +2 ± 12\.706 \(2\) +0\.366 ± 0 \(2\)$/);
    assert.match(lines[2] ?? "", /^fedavg +1 ± 12\.706 \(2\) +0\.637 ± 0 \(2\)$/);
    assert.match(lines[3] ?? "", /^local +2 ± 12\.706 \(2\) +–$/);
  });

  it("compare the main arm with each baseline, paired by seed", () => {
    const { grid, summaries } = createGrid(study, { task });
    const { differences } = computeResults(grid, summaries);
    assert.deepEqual(
      differences.map(({ method, reference, mean, n, outcome }) => [
        method,
        reference,
        mean,
        n,
        outcome,
      ]),
      [
        ["clair", "fedavg", 1, 2, "better"],
        ["clair", "local", 0, 2, "not distinguishable"],
        ["clair", "oracle", -0.5, 2, "worse"],
        ["fedavg", "local", -1, 2, "worse"],
      ],
    );
    assert.deepEqual(differences[0]?.interval, { low: 1, high: 1 });
    assert.match(
      text(study, { task }),
      /^clair − local +accuracy +0 \[-6\.353, 6\.353\] \(2\) +not distinguishable$/m,
    );
  });

  it("say what a single run says: who was flagged, who is undecided, who serves as well", () => {
    const { grid, summaries } = createGrid(study, { task });
    const { findings, models } = computeResults(grid, summaries);
    assert.deepEqual(findings, [
      {
        place: "clair",
        texts: [
          "flagged 0 of 8 contaminated clients (0–32 %) and 1 of 32 benign ones (0.55–16 %)",
          "undecided about 17 of 20 clients a run",
          "local serves them as well, as far as the seeds show (accuracy 0 [-6.353, 6.353] (2))",
          `no contaminated client was flagged in the last round: ${commandName()} power with the trial file says which kinds would be`,
        ],
      },
    ]);
    assert.equal(
      models,
      "personal models, one per client: clair, local; one shared model: fedavg, oracle; " +
        "compare accuracy (each client's own data) and uniformAccuracy (data common to all)",
    );
  });

  it("say which attacks never arrived, and in how many runs", () => {
    const { grid, summaries } = createGrid(study, { task });
    const [[id = "", first] = []] = summaries;
    assert.ok(first);
    const why = "c01, round 1: expected classes, got numbers";
    const all = new Map([...summaries, [id, { ...first, failedAttacks: { "label-flip": why } }]]);
    const [finding] = computeResults(grid, all).findings;
    assert.equal(
      finding?.texts[2],
      `no client of label-flip sent a usable update in 1 of 2 runs (${why})`,
    );
  });

  it("of one seed have no interval and no difference", () => {
    const { grid, summaries } = createGrid(study.slice(0, 1), { task });
    const { tables, differences } = computeResults(grid, summaries);
    assert.equal(formatCell(tables[0]?.cells[0]?.[0]), "1");
    assert.deepEqual(differences, []);
  });
});

describe("the results of a sweep over aggregators", () => {
  const runs: GridRun[] = [
    ["clair", 0.8, 0.36],
    ["multi-krum", 0.67, 0.64],
  ].flatMap(([aggregator, own, uniform]) =>
    [1, 2, 3].map((seed) => {
      const arm = String(aggregator);
      return {
        at: { aggregator: arm },
        seed,
        arms: [arm],
        ...(arm === "clair" && { personal: ["clair"] }),
        details: [
          accuracy(Number(own) + seed / 100, arm),
          accuracy(Number(uniform) + seed / 100, arm, "uniformAccuracy"),
        ],
      };
    }),
  );

  it("have one measure for all main arms", () => {
    assert.match(
      text(runs, { measures: ["accuracy"] }),
      /^ +accuracy\nclair +0\.820 ± 0\.025 \(3\)\nmulti-krum +0\.690/m,
    );
  });

  it("show personal and shared models on common data too", () => {
    const { grid, summaries } = createGrid(runs, { measures: ["accuracy"], task });
    const { tables, differences, models } = computeResults(grid, summaries);
    assert.deepEqual(
      tables.map(({ measure }) => measure),
      ["accuracy", "uniformAccuracy"],
    );
    assert.deepEqual(
      differences.map(({ measure, method, reference, outcome }) => [
        measure,
        method,
        reference,
        outcome,
      ]),
      [
        ["accuracy", "clair", "multi-krum", "better"],
        ["uniformAccuracy", "clair", "multi-krum", "worse"],
      ],
    );
    assert.match(
      models ?? "",
      /^personal models, one per client: clair; one shared model: multi-krum;/,
    );
    const shared = runs.map(({ personal, ...run }) => ({ ...run, ...(personal && {}) }));
    const plain = createGrid(shared, { measures: ["accuracy"], task });
    assert.equal(computeResults(plain.grid, plain.summaries).tables.length, 1);
  });

  it("have a column with each aggregator under its worst attack, if the sweep asks for it", () => {
    const attacked = runs.flatMap((run) =>
      [0, 0.1].map((loss, i) => ({
        ...run,
        at: { aggregator: run.arms?.[0] ?? "", attacks: i === 0 ? "none" : "alie" },
        details: run.details.map((one) => ({ ...one, value: one.value - loss })),
      })),
    );
    const options = { measures: ["uniformAccuracy"], hasWorstColumn: true };
    assert.match(
      text(attacked, options),
      /none +alie +worst\nclair +0\.380 ± 0\.025 \(3\) +(0\.280 ± 0\.025 \(3\)) +\1\n/,
    );
    // All runs of multi-krum under ALIE failed: they could be the worst.
    const failed = text(
      attacked.filter(({ at }) => at.attacks === "none" || at.aggregator === "clair"),
      options,
    );
    assert.match(failed, /^multi-krum +0\.660 ± 0\.025 \(3\) +– +–$/m);
  });

  it("pair the seeds that both methods have", () => {
    const { grid, summaries } = createGrid(runs.slice(0, 5), { measures: ["accuracy"] });
    const [difference] = computeResults(grid, summaries).differences;
    assert.equal(difference?.n, 2);
    assert.ok(Math.abs(difference.mean - 0.13) < 1e-12);
  });

  it("name the best and the runs without numbers", () => {
    const { grid, summaries } = createGrid(
      runs.map((run) => ({
        ...run,
        details: [
          ...run.details,
          {
            ...detection("recall", run.arms?.[0] === "clair" ? 0.25 : 0, 4),
            better: "higher" as const,
          },
          ...(run.arms?.[0] === "clair" ? [detection("undecided", 15, 20)] : []),
        ],
      })),
      { measures: ["accuracy", "detection.recall", "detection.undecided"] },
    );
    const { highlights } = computeResults(grid, new Map([...summaries].slice(1)));
    assert.deepEqual(highlights, [
      {
        topic: "No numbers",
        texts: ["1 of 6 runs has none, failed or not run yet: clair with seed 1."],
      },
      {
        topic: "Best",
        texts: [
          "accuracy: clair with 0.825 ± 0.064 (2).",
          "detection.recall: clair with 2 of 8 (7.1–59 %); not distinguishable: multi-krum.",
        ],
      },
    ]);
  });

  it("count the baselines that serve as well or better, and equal studies", () => {
    const many = [0, 1, 2].flatMap((place) =>
      [1, 2].map((seed): GridRun => {
        // By place: worse than local with both seeds, about as good, and better.
        const gained =
          [
            [-1, -1],
            [-1, 1],
            [1, 1],
          ][place]?.[seed - 1] ?? NaN;
        return {
          at: { attacks: `a${place}` },
          seed,
          arms: ["clair", "local"],
          details: [
            accuracy(place === 0 ? 0.5 : 0.9, "clair"),
            accuracy(0.9, "local"),
            gain(gained, "local"),
          ],
        };
      }),
    );
    const { grid, summaries } = createGrid(many, {
      measures: ["accuracy", "accuracy.local"],
      task,
    });
    assert.deepEqual(computeResults(grid, summaries).highlights, [
      {
        topic: "Best",
        texts: [
          "accuracy, a0: local with 0.900 ± 0 (2).",
          "accuracy, a1: clair, local with 0.900 ± 0 (2).",
          "accuracy, a2: clair, local with 0.900 ± 0 (2).",
        ],
      },
      {
        topic: "Baselines",
        texts: [
          "local serves the benign clients better than the main arm in 1 of 3 studies, and as well in 1, as far as the seeds show.",
        ],
      },
    ]);
  });

  it("are exported with intervals", () => {
    const { grid, summaries } = createGrid(runs, { measures: ["accuracy"] });
    const [head, first] = toCsv(computeResults(grid, summaries).tables).split("\n");
    assert.equal(
      head,
      "measure,facet,row,column,mean,low,high,min,max,seeds,hits,of,shareLow,shareHigh",
    );
    assert.match(first ?? "", /^accuracy,,clair,,0\.82,0\.795\d*,0\.844\d*,0\.81,0\.83\d*,3,,,,$/);
  });
});
