import { methodColours } from "@fedclair/core";
import { groupBy } from "../../../studies/support/group-by.js";
import { aggregators } from "./best-rates.js";

const file = "libs/rules/claims/best-rates.js";
const time = "10 minutes";
const ranks = { file: "libs/rules/claims/ranks.js", time: "3 minutes" };
const names = Object.keys(aggregators);
const metrics = { accuracy: "own tokens", uniform: "uniform tokens" };

const runsOf = (runs, part, functions, method) =>
  runs.filter(
    (run) =>
      run.at("part") === part && run.at("functions") === functions && run.at("method") === method,
  );

/** A metric of all seeds at the best learning rate. */
const atBest = (runs, functions, method, metric = "accuracy") =>
  runsOf(runs, "best", functions, method).map(({ measures }) => measures[metric]);

const difference = (first, second, functions) => (runs) => {
  const others = atBest(runs, functions, second);
  return atBest(runs, functions, first).map((value, i) => value - others[i]);
};

/** Per seed of the grid: the accuracy at the best learning rate minus that at the worst. */
const spread = (runs, method) =>
  [...groupBy(runsOf(runs, "grid", "one", method), ({ seed }) => seed).values()].map((group) => {
    const values = group.map(({ measures }) => measures.accuracy);
    return Math.max(...values) - Math.min(...values);
  });

/** Draws the accuracies of each aggregator, one point per seed, and their mean. */
function drawAccuracies(functions, runs) {
  const values = names.flatMap((name) =>
    Object.entries(metrics).flatMap(([metric, tokens]) =>
      atBest(runs, functions, name, metric).map((y) => ({ name, tokens, y })),
    ),
  );
  const x = { field: "name", type: "nominal", title: null, sort: names };
  const y = { type: "quantitative", title: "accuracy", scale: { zero: false } };
  const color = {
    field: "tokens",
    type: "nominal",
    scale: { range: methodColours.slice(0, 2) },
    legend: { orient: "bottom" },
  };
  const xOffset = { field: "tokens" };
  return {
    width: 480,
    height: 200,
    data: { values },
    layer: [
      {
        mark: { type: "point", filled: true, opacity: 0.5 },
        encoding: {
          x: { ...x, axis: { labelAngle: 0 } },
          y: { ...y, field: "y" },
          color,
          xOffset,
        },
      },
      {
        mark: { type: "tick", thickness: 2 },
        encoding: { x, y: { ...y, field: "y", aggregate: "mean" }, color, xOffset },
      },
    ],
  };
}

const claimOf = (name, claim, first, second, functions = "one") => ({
  name,
  claim,
  file,
  time,
  quantity: `accuracy of ${first} minus that of ${second}, own tokens, each at its best rate, paired`,
  measure: difference(first, second, functions),
  expected: { min: 0 },
});

const different = "Clients with two functions";

export const paper = {
  name: "lora",
  page: "docs/papers/lora.md",
  title: "Aggregators for LoRA",
  claims: [
    claimOf("fedit-local", "FedIT is better than training alone.", "FedIT", "local"),
    // After ten rounds these three copy all but a thousandth of the tokens.
    ...[
      ["three", "FLoRA: ", "early", {}],
      ["ranks", "FLoRA, ranks 8, 4, 2 and 1: ", "ranks", ranks],
    ].flatMap(([end, prefix, functions, own]) =>
      [
        ["fresh", "FedIT, fresh adapters", "FedIT with fresh adapters"],
        ["fedit", "FedIT", "FedIT"],
      ].map(([short, other, words]) => ({
        ...claimOf(
          `flora-${short}-${end}`,
          `${prefix}stacking, without cross terms, is better than ${words} after three rounds.`,
          "FLoRA",
          other,
          functions,
        ),
        ...own,
      })),
    ),
    claimOf("ffa-fedit", "FFA-LoRA is better than FedIT.", "FFA-LoRA", "FedIT"),
    {
      name: "ffa-steady",
      claim: "FFA-LoRA depends less on the learning rate than FedIT does.",
      file,
      time,
      quantity:
        "accuracy at the best of four rates minus that at the worst, minus the same of FedIT; three seeds",
      measure: (runs) => {
        const others = spread(runs, "FedIT");
        return spread(runs, "FFA-LoRA").map((value, i) => value - others[i]);
      },
      expected: { max: 0 },
    },
    ...[
      ["", "one"],
      [`${different}: `, "two"],
    ].flatMap(([words, functions]) =>
      ["FedIT", "FFA-LoRA"].map((other) =>
        claimOf(
          `fedsa-${other === "FedIT" ? "fedit" : "ffa"}${functions === "two" ? "-two" : ""}`,
          `${words}FedSA-LoRA is better than ${other}.`,
          "FedSA-LoRA",
          other,
          functions,
        ),
      ),
    ),
    {
      ...claimOf(
        "fedsa-local-two",
        `${different}: FedSA-LoRA is better than training alone.`,
        "FedSA-LoRA",
        "local",
        "two",
      ),
      isOwn: true,
    },
  ],
  tables: {
    rates: {
      files: [file],
      columns: ["aggregator", "0.01", "0.03", "0.1", "0.3"],
      rows: ([runs], format) =>
        names.map((name) => [
          name,
          ...[...groupBy(runsOf(runs, "grid", "one", name), (run) => run.at("rate")).values()].map(
            (group) => format(group.map(({ measures }) => measures.accuracy)),
          ),
        ]),
    },
    ...Object.fromEntries(
      Object.entries({ one: file, early: file, two: file, ranks: ranks.file }).map(
        ([functions, own]) => [
          functions,
          {
            files: [own],
            columns: [
              "aggregator",
              "best rate",
              "accuracy, own tokens",
              "accuracy, uniform tokens",
              "loss",
            ],
            rows: ([runs], format) =>
              names
                .filter((name) => runsOf(runs, "best", functions, name).length > 0)
                .map((name) => [
                  name,
                  runsOf(runs, "best", functions, name)[0].at("rate"),
                  ...["accuracy", "uniform", "loss"].map((metric) =>
                    format(atBest(runs, functions, name, metric)),
                  ),
                ]),
          },
        ],
      ),
    ),
  },
  figure: { files: [file], draw: ([runs]) => drawAccuracies("one", runs) },
};
