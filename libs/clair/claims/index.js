import { mean } from "@fedclair/linalg";
import {
  level,
  linePanel,
  number,
  predictedLine,
  row,
  series,
} from "../../../studies/papers/figures.js";
import { groupBy } from "../../../studies/support/group-by.js";
import { perSeed, slope } from "../../../studies/papers/runs.js";

const ratio = (run) => run.measures["error.ratioTo.local"];

/** The size of the denoising trials: rows, columns, rank, noise, clients and contaminated ones. */
const usual = { p: 24, q: 16, rank: 3, noise: 0.02, clients: 20, contaminated: 6 };

/**
 * The predicted error of a refined change relative to the local one: noise inside the space stays,
 * noise outside is averaged over the n benign clients, and the estimated space is tilted by noise,
 * which adds (p − r)·r·σ²/n per client.
 */
function predictRatio(setting) {
  const { p, q, rank: r, clients, contaminated } = { ...usual, ...setting };
  const n = clients - contaminated;
  return (r + (p - r) / n + ((p - r) * r) / (n * q)) / p;
}

/**
 * The norm of the clients' own parts outside the space at which the error that averaging adds is
 * the error that it removes.
 */
function predictBreakEven({ p, q, rank: r, noise, clients, contaminated }) {
  const n = clients - contaminated;
  const gain = noise ** 2 * (p - r) * (q * (1 - 1 / n) - r / n);
  return Math.sqrt(gain / (1 - 1 / n + r / (n * q)));
}

/** Finds where the ratio crosses 1 in the runs of one seed, linear in logarithms between points. */
function findBreakEven(runs) {
  const points = runs.map((run) => [Number(run.at("task.heterogeneity")), Math.log(ratio(run))]);
  const after = points.findIndex(([, log]) => log > 0);
  if (after < 1) throw new Error("no break-even between the smallest and largest heterogeneity");
  const [[x0, y0], [x1, y1]] = [points[after - 1], points[after]];
  return x0 + ((x1 - x0) * -y0) / (y1 - y0);
}

/** The mean over the runs of a seed of the measured ratio over the predicted one. */
function comparePrediction(settingOf) {
  return (all) =>
    perSeed(all, (runs) => mean(runs.map((run) => ratio(run) / predictRatio(settingOf(run)))));
}

const settingOf = {
  share: (run) => ({ contaminated: Number(run.at("attacks.0.count")) }),
  clients: (run) => {
    const clients = Number(run.at("clients"));
    return { clients, contaminated: Math.round(0.3 * clients) };
  },
  rank: (run) => ({ rank: Number(run.at("task.rank")) }),
};

const isExact = (run) => run.measures["detection.exactRounds"] === 1;
const countExact = (runs) => ({ hits: runs.filter(isExact).length, of: runs.length });
const nearOne = { min: 0.95, max: 1.05 };

export const paper = {
  name: "clair",
  page: "docs/clair-evidence.md",
  title: "CLAIR",
  claims: [
    {
      name: "exact-space",
      claim: "Without noise, the shared subspace is recovered exactly.",
      file: "libs/clair/sweeps/clair-exact.yaml",
      quantity: "largest squared error of a seed; 0 only in the true space",
      measure: (all) =>
        perSeed(all, (runs) => Math.max(...runs.map(({ measures }) => measures["error.clair"]))),
      expected: { max: 1e-20 },
    },
    {
      name: "exact-set",
      claim: "Without noise, the contaminated clients are identified exactly.",
      file: "libs/clair/sweeps/clair-exact.yaml",
      quantity: "share of runs with exactly the contaminated clients flagged",
      measure: countExact,
      expected: { min: 0.95 },
    },
    {
      name: "stable",
      claim: "Under estimation error, recovery is stable: the error grows as the noise does.",
      file: "libs/clair/sweeps/clair-noise.yaml",
      quantity: "slope of log error over log noise; predicted 2",
      measure: (all) =>
        perSeed(all, (runs) =>
          slope(
            runs.map((run) => [
              Math.log(Number(run.at("task.noise"))),
              Math.log(run.measures["error.clair"]),
            ]),
          ),
        ),
      expected: { min: 1.95, max: 2.05 },
    },
    {
      name: "share",
      claim: "The error depends on the share of contaminated clients as predicted.",
      file: "libs/clair/sweeps/clair-share.yaml",
      quantity: "error over local error, measured over predicted",
      measure: comparePrediction(settingOf.share),
      expected: nearOne,
    },
    {
      name: "clients",
      claim: "The error depends on the number of clients as predicted.",
      file: "libs/clair/sweeps/clair-clients.yaml",
      quantity: "error over local error, measured over predicted",
      measure: comparePrediction(settingOf.clients),
      expected: nearOne,
    },
    {
      name: "rank",
      claim: "The error depends on the rank of the shared space as predicted.",
      file: "libs/clair/sweeps/clair-rank.yaml",
      quantity: "error over local error, measured over predicted",
      measure: comparePrediction(settingOf.rank),
      expected: nearOne,
    },
    {
      name: "separation",
      claim: "The collaborative set is recovered under separation.",
      file: "libs/clair/sweeps/clair-separation.yaml",
      quantity: "share of runs with the exact set, at four times the noise outside the space",
      measure: (runs) => countExact(runs.filter((run) => run.at("attacks.0.attack.off") === "0.8")),
      expected: { min: 0.7 },
    },
    {
      name: "break-even",
      claim: "Refinement beats local training until heterogeneity outweighs the oracle gain.",
      file: "libs/clair/sweeps/clair-break-even.yaml",
      quantity: "heterogeneity at which both are equal, measured over predicted",
      measure: (all) => perSeed(all, (runs) => findBreakEven(runs) / predictBreakEven(usual)),
      expected: nearOne,
    },
    {
      name: "text-copy-detection",
      claim: "Contaminated clients are detected when Transformers learn to copy text.",
      file: "libs/clair/sweeps/clair-text-copy.yaml",
      time: "4 minutes",
      quantity: "share of contaminated clients flagged in the last round",
      measure: (all) => perSeed(all, ([run]) => run.measures["detection.recall"]),
      expected: { min: 0.95 },
    },
    {
      name: "text-copy-local",
      claim: "Benign clients copy text better than with local fine-tuning.",
      file: "libs/clair/sweeps/clair-text-copy.yaml",
      time: "4 minutes",
      quantity: "accuracy minus that of local fine-tuning, paired",
      measure: (all) => perSeed(all, ([run]) => run.measures["accuracy.gainOver.local"]),
      expected: { min: 0 },
    },
    {
      name: "text-copy-fedavg",
      claim: "Benign clients copy text better than with non-robust federated averaging.",
      file: "libs/clair/sweeps/clair-text-copy.yaml",
      time: "4 minutes",
      quantity: "accuracy minus that of FedAvg, paired",
      measure: (all) => perSeed(all, ([run]) => run.measures["accuracy.gainOver.fedavg"]),
      expected: { min: 0 },
    },
  ],
  figure: {
    files: [
      "libs/clair/sweeps/clair-noise.yaml",
      "libs/clair/sweeps/clair-break-even.yaml",
      "libs/clair/sweeps/clair-separation.yaml",
    ],
    draw: ([noise, breakEven, separation]) => {
      const byNoise = [...groupBy(noise, (run) => run.at("task.noise"))].flatMap(([x, runs]) =>
        ["clair", "local", "fedavg"].map((arm) => ({
          x: Number(x),
          arm,
          y: mean(runs.map(({ measures }) => measures[`error.${arm}`])),
        })),
      );
      const byNorm = [...groupBy(breakEven, (run) => run.at("task.heterogeneity"))].map(
        ([x, runs]) => ({ x: Number(x), y: mean(runs.map(ratio)) }),
      );
      const byOff = [...groupBy(separation, (run) => run.at("attacks.0.attack.off"))].map(
        ([x, runs]) => ({ x: Number(x), y: mean(runs.map((run) => Number(isExact(run)))) }),
      );
      const log = { scale: { type: "log" } };
      return row(
        linePanel("error against noise", byNoise, {
          x: number("x", "noise", log),
          y: number("y", "squared error", log),
          color: series("arm", ["clair", "local", "fedavg"]),
        }),
        linePanel(
          "refined over local error",
          byNorm,
          { x: number("x", "heterogeneity"), y: number("y", "ratio of errors") },
          [level(1), ...predictedLine(predictBreakEven(usual), "predicted")],
        ),
        linePanel("runs with the exact set", byOff, {
          x: number("x", "distance of contaminated clients"),
          y: number("y", "share of runs", { scale: { domain: [0, 1] } }),
        }),
      );
    },
  },
};
