import { methodColours } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import { groupBy } from "../../../studies/support/group-by.js";
import { perSeed } from "../../../studies/papers/runs.js";

const file = "libs/rules/sweeps/lora.yaml";
const lasting = "libs/rules/sweeps/lora-lasting.yaml";
const rateFile = "libs/rules/sweeps/lora-rate.yaml";
const lastingRate = "libs/rules/sweeps/lora-lasting-rate.yaml";

/** CPU time of each sweep. */
const times = {
  [file]: "6 minutes",
  [lasting]: "3 minutes",
  [rateFile]: "4 minutes",
  [lastingRate]: "3 minutes",
};

/** The accuracies of all seeds at each learning rate, from the lowest. */
function byRate(runs, name) {
  const [trainA, arm] = aggregators[name];
  const own = runs.filter((run) => run.at("task.trainA") === trainA);
  const rates = [...groupBy(own, (run) => run.at("task.learningRate")).values()];
  return rates.map((group) => group.map((run) => run.measures[`accuracy.${arm}`]));
}

/** The accuracies of all seeds at the learning rate with the best mean. */
function atBestRate(runs, name) {
  return byRate(runs, name).reduce((best, values) => (mean(values) > mean(best) ? values : best));
}

/** Where to read the accuracy of each aggregator: whether A is trained, and the arm. */
const aggregators = {
  FedIT: ["true", "fedit"],
  FLoRA: ["true", "flora"],
  "FFA-LoRA": ["false", "fedit"],
  "FedSA-LoRA": ["true", "fedsa"],
  local: ["true", "local"],
};

function valuesOf(runs, name, metric = "accuracy") {
  const [trainA, arm] = aggregators[name];
  return perSeed(
    runs.filter((run) => run.at("task.trainA") === trainA),
    ([run]) => run.measures[`${metric}.${arm}`],
  );
}

const difference = (first, second) => (runs) => {
  const others = valuesOf(runs, second);
  return valuesOf(runs, first).map((value, i) => value - others[i]);
};

/** The aggregators that work with lasting adapters. */
const lastingNames = ["FedIT", "FFA-LoRA", "FedSA-LoRA", "local"];

const columns = ["aggregator", "accuracy, own tokens", "accuracy, uniform tokens", "loss"];

function rowsOf(names, runs, format) {
  return names.map((name) => [
    name,
    ...["accuracy", "uniformAccuracy", "loss"].map((metric) =>
      format(valuesOf(runs, name, metric)),
    ),
  ]);
}

/** Draws the accuracies of each aggregator, one point per seed, and their mean. */
function drawAccuracies(names, runs) {
  const values = names.flatMap((name) =>
    ["accuracy", "uniformAccuracy"].flatMap((metric) =>
      valuesOf(runs, name, metric).map((y) => ({
        name,
        tokens: metric === "accuracy" ? "own tokens" : "uniform tokens",
        y,
      })),
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

const claimOf = (name, claim, first, second, from = file) => ({
  name,
  claim,
  file: from,
  time: times[from],
  quantity: `accuracy of ${first} minus that of ${second}, own tokens, paired`,
  measure: difference(first, second),
  expected: { min: 0 },
});

const rateClaimOf = (name, claim, from, rates) => ({
  name,
  claim,
  file: from,
  time: times[from],
  quantity: `accuracy at the best of ${rates} rates minus that of FedIT at its best, paired`,
  measure: (runs) => {
    const others = atBestRate(runs, "FedIT");
    return atBestRate(runs, "FFA-LoRA").map((accuracy, i) => accuracy - others[i]);
  },
  expected: { min: 0 },
});

export const paper = {
  name: "lora",
  page: "docs/papers/lora.md",
  title: "Aggregators for LoRA",
  claims: [
    claimOf(
      "flora-fedit",
      "FLoRA: stacking without the cross terms of FedIT is better than FedIT.",
      "FLoRA",
      "FedIT",
    ),
    claimOf(
      "ffa-fedit",
      "FFA-LoRA: freezing A within a round is better than FedIT on heterogeneous clients.",
      "FFA-LoRA",
      "FedIT",
    ),
    claimOf(
      "fedsa-fedit",
      "FedSA-LoRA: keeping B within a round is better than FedIT on heterogeneous clients.",
      "FedSA-LoRA",
      "FedIT",
    ),
    claimOf(
      "fedsa-ffa",
      "FedSA-LoRA is better than FFA-LoRA on heterogeneous clients.",
      "FedSA-LoRA",
      "FFA-LoRA",
    ),
    rateClaimOf(
      "ffa-rate",
      "FFA-LoRA is better than FedIT, each with its own learning rate.",
      rateFile,
      "three",
    ),
    claimOf("fedit-local", "FedIT is better than training alone.", "FedIT", "local"),
    claimOf(
      "lasting-ffa-fedit",
      "Lasting adapters: FFA-LoRA is better than FedIT on heterogeneous clients.",
      "FFA-LoRA",
      "FedIT",
      lasting,
    ),
    claimOf(
      "lasting-fedsa-fedit",
      "Lasting adapters: FedSA-LoRA is better than FedIT on heterogeneous clients.",
      "FedSA-LoRA",
      "FedIT",
      lasting,
    ),
    claimOf(
      "lasting-fedsa-ffa",
      "Lasting adapters: FedSA-LoRA is better than FFA-LoRA on heterogeneous clients.",
      "FedSA-LoRA",
      "FFA-LoRA",
      lasting,
    ),
    rateClaimOf(
      "lasting-ffa-rate",
      "Lasting adapters: FFA-LoRA is better than FedIT, each with its own learning rate.",
      lastingRate,
      "four",
    ),
    claimOf(
      "lasting-fedit-local",
      "Lasting adapters: FedIT is better than training alone.",
      "FedIT",
      "local",
      lasting,
    ),
  ],
  table: {
    files: [file],
    columns,
    rows: ([runs], format) => rowsOf(Object.keys(aggregators), runs, format),
  },
  tables: {
    lasting: {
      files: [lasting],
      columns,
      rows: ([runs], format) => rowsOf(lastingNames, runs, format),
    },
    rates: {
      files: [lastingRate],
      columns: ["aggregator", "0.01", "0.03", "0.1", "0.3"],
      rows: ([runs], format) =>
        ["FedIT", "FFA-LoRA"].map((name) => [name, ...byRate(runs, name).map(format)]),
    },
  },
  figures: {
    lasting: {
      files: [lasting],
      draw: ([runs]) => drawAccuracies(lastingNames, runs),
    },
  },
  figure: {
    files: [file],
    draw: ([runs]) => drawAccuracies(Object.keys(aggregators), runs),
  },
};
