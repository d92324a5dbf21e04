// The claims on federations in memory, whose truth is known.
import { mean } from "@fedclair/linalg";
import { perSeed, slope, withLabels } from "../../../studies/papers/runs.js";
import { lost } from "../../../studies/clair/theory/exact.js";
import {
  averagesFew,
  averagesNothing,
  raisesThreshold,
  doublesRank,
  fitsAll,
  fitsOne,
  flagsAll,
  flagsNobody,
  leavesOneOut,
  sameSamples,
  sharesInside,
} from "./faults.js";

const folder = "studies/clair/theory";
export const files = {
  exact: `${folder}/exact.js`,
  rank: `${folder}/rank.js`,
  estimation: `${folder}/estimation.js`,
  consistency: `${folder}/consistency.js`,
  settings: `${folder}/consistency-settings.js`,
  many: `${folder}/consistency-many.js`,
  inside: `${folder}/inside.js`,
};

const nearly = (value, by) => ({ min: value - by, max: value + by });

/** Counts the runs for which something is true. */
export function countRuns(runs, isTrue) {
  return { hits: runs.filter(isTrue).length, of: runs.length };
}

const isExact = ({ measures }) => measures.exact === 1;

/** The runs on federations with a majority of benign clients. */
function recoverable(runs) {
  return runs.filter((run) => run.at("case") !== lost);
}

/** The quantities of one setting that predictions are made of. */
export function readSetting(run) {
  const read = (key) => Number(run.at(key));
  const [p, q, r, clients] = ["p", "q", "rank", "clients"].map(read);
  const samples = read("samples");
  // Least squares with m samples has the error of noise σ²/(m − p − 1) on every entry.
  const degrees = samples > 0 ? samples - p - 1 : 1;
  const variance = read("noise") ** 2 / degrees;
  return { p, q, r, n: clients - read("contaminated"), variance, degrees };
}

/**
 * The mean of the largest singular value of a Gaussian matrix of p − r by r over √(p − r) + √r. It
 * is 0.874 for 21 by 3. Second-order terms make it 0.89 at σ = 0.02.
 */
export const tilt = 0.88;

/** σ·(√(p − r) + √r)/√n: what noise tilts the space by, but for this factor. */
export function predictSine(run) {
  const { p, r, n, variance } = readSetting(run);
  return (Math.sqrt(variance) * (Math.sqrt(p - r) + Math.sqrt(r))) / Math.sqrt(n);
}

/** (p − r)·r·σ²·(1 − 1/n)/n: what it costs a client that the space is estimated. */
function predictCost(run) {
  const { p, r, n, variance } = readSetting(run);
  return ((p - r) * r * variance * (1 - 1 / n)) / n;
}

/** The error of a refined change: r·q·σ² inside, (p − r)·q·σ²/n outside, and the cost. */
export function predictRefined(run) {
  const { p, q, r, n, variance } = readSetting(run);
  return q * variance * (r + (p - r) / n) + predictCost(run);
}

/**
 * Whether refining gains more than it costs, by the energy of a client's own part outside the
 * space. That part is averaged away, and it tilts the space as noise does.
 */
function pays(run, own) {
  const { p, q, r, n, variance } = readSetting(run);
  return variance * (p - r) * (q - r / n) > own * (1 + r / (n * q));
}

/** Whether it pays by the updates and a known noise, by the truth, and as measured: all alike. */
function isForeseen(run) {
  const { p, q, r, variance } = readSetting(run);
  const { own, refined, farOut } = run.measures;
  const isGain = own > refined;
  const seen = pays(run, farOut - q * (p - r) * variance);
  return seen === isGain && pays(run, Number(run.at("ownPart")) ** 2) === isGain;
}

/** The slope of a measure over a setting, both in logarithms. */
const slopeOver = (setting, measure) => (all) =>
  perSeed(all, (runs) =>
    slope(runs.map((run) => [Math.log(setting(run)), Math.log(measure(run))])),
  );

/** The mean of a measure over its prediction. */
const overPrediction = (measure, predict) => (all) =>
  perSeed(all, (runs) => mean(runs.map(measure)) / mean(runs.map(predict)));

const sine = ({ measures }) => measures.sine;
const refined = ({ measures }) => measures.refined;
const cost = ({ measures }) => measures.refined - measures.known;

const space = { file: files.exact, judge: "gap", reads: { judge: "gap" } };
const estimation = { file: files.estimation, judge: "gap" };

const exactSet = (rule) => ({
  name: `exact-set-${rule}`,
  claim: "Without noise, the contaminated clients are identified exactly.",
  file: files.exact,
  judge: rule,
  reads: { judge: rule },
  quantity: "federations with the exact set, seven kinds, up to 45 % contaminated",
  measure: (all) => countRuns(recoverable(all), isExact),
  expected: { min: 0.95 },
  faults: [flagsNobody[rule], flagsAll[rule]],
});

const atMultiple = (rule, multiple) => ({
  name: `separation-${rule}-${multiple}`,
  claim: `The collaborative set is recovered at ${multiple} times the distance that the best threshold needs.`,
  file: files.consistency,
  judge: rule,
  reads: { judge: rule, multiple: String(multiple) },
  quantity: "federations with the exact set",
  measure: (all) => countRuns(all, isExact),
  expected: { min: 0.9 },
});

const acrossSettings = (file, what, isOne = (_clients) => true) => ({
  name: `separation-${what.replaceAll(" ", "-")}`,
  claim: `The same with ${what}.`,
  file,
  time: "4 minutes",
  judge: "evidence",
  reads: { judge: "evidence", multiple: "1.25" },
  quantity: "federations with the exact set at 1.25 times the distance",
  measure: (all) =>
    countRuns(
      all.filter((run) => isOne(run.at("clients"))),
      isExact,
    ),
  expected: { min: 0.9 },
});

const falseAlarms = (rule) => ({
  name: `false-alarms-${rule}`,
  claim: "Without contaminated clients, few federations have a false alarm.",
  file: files.inside,
  judge: rule,
  reads: { judge: rule, attack: "none" },
  quantity: "federations with a benign client flagged",
  measure: (all) => countRuns(all, (run) => run.measures.falseAlarms > 0),
  expected: { max: 0.05 },
  faults: [flagsAll[rule]],
});

const decides = (rule) => ({
  name: `decides-${rule}`,
  claim: "Without contaminated clients, most clients are benign, and not undecided.",
  file: files.inside,
  judge: rule,
  reads: { judge: rule, attack: "none" },
  quantity: "federations with more than half of the clients benign",
  measure: (all) => countRuns(all, ({ measures }) => measures.mostBenign === 1),
  expected: { min: 0.9 },
});

export const claims = [
  {
    ...space,
    name: "exact-space",
    claim: "Without noise, the shared subspace is recovered exactly.",
    quantity: "largest sine of a principal angle, seven kinds of attacks",
    measure: (all) => perSeed(recoverable(all), (own) => Math.max(...own.map(sine))),
    expected: { max: 1e-8 },
    faults: [fitsAll, doublesRank],
  },
  {
    name: "chosen-rank",
    claim: "Without noise, its rank is chosen correctly.",
    file: files.rank,
    judge: "gap",
    quantity: "federations with the rank of the space, ranks 2, 3 and 4",
    measure: (all) => countRuns(all, ({ measures }) => measures.isRight === 1),
    expected: { min: 0.85 },
    faults: [doublesRank],
  },
  exactSet("gap"),
  exactSet("evidence"),
  {
    name: "same-verdicts",
    claim: "Without noise, the verdicts do not depend on a bank that has seen the like.",
    file: files.exact,
    judge: "evidence",
    quantity:
      "federations with the same clients flagged by the shipped bank and without its source",
    measure: (all) => {
      const [shipped, fair] = ["evidence, shipped bank", "evidence"].map((judge) =>
        withLabels(recoverable(all), { judge }),
      );
      const isSame = (run, i) => run.at("flagged") === shipped[i].at("flagged");
      return { hits: fair.filter(isSame).length, of: fair.length };
    },
    expected: { min: 0.95 },
    faults: [raisesThreshold],
  },
  {
    ...estimation,
    reads: { study: "noise" },
    name: "stable",
    claim: "Under noise, recovery is stable: the space tilts as the noise grows.",
    quantity: "slope of log sine over log noise; predicted 1",
    measure: slopeOver((run) => Number(run.at("noise")), sine),
    expected: nearly(1, 0.05),
    faults: [fitsAll],
  },
  {
    ...estimation,
    reads: { study: "noise" },
    name: "tilt",
    claim: "It tilts as far as the noise of n clients makes it.",
    quantity: "sine over σ·(√(p − r) + √r)/√n; predicted 0.88",
    measure: overPrediction(sine, predictSine),
    expected: nearly(tilt, 0.05),
    faults: [fitsOne],
  },
  {
    ...estimation,
    reads: { study: "noise" },
    name: "all-benign",
    claim: "All benign clients together determine the space.",
    quantity: "largest sine to the space that fits exactly their changes, over the tilt",
    measure: (all) =>
      perSeed(all, (runs) =>
        Math.max(...runs.map(({ measures }) => measures.toTruth / measures.sine)),
      ),
    expected: { max: 0.1 },
    faults: [fitsOne, leavesOneOut],
  },
  {
    ...estimation,
    reads: { study: "samples" },
    name: "samples-slope",
    claim: "Clients that estimate from samples: the error falls with the samples.",
    quantity: "slope of log refined error over log (samples − features − 1); predicted −1",
    measure: slopeOver((run) => readSetting(run).degrees, refined),
    expected: nearly(-1, 0.05),
    faults: [fitsAll],
  },
  {
    ...estimation,
    reads: { study: "samples" },
    name: "samples-level",
    claim: "The error is that of noise with the variance of least squares.",
    quantity: "refined error, measured over predicted",
    measure: overPrediction(refined, predictRefined),
    expected: nearly(1, 0.05),
    faults: [sameSamples],
  },
  {
    ...estimation,
    reads: { study: "clients" },
    name: "cost-level",
    claim: "Estimating the space costs each client (p − r)·r·σ²·(1 − 1/n)/n.",
    quantity: "refined error minus that with the true space, measured over predicted",
    measure: overPrediction(cost, predictCost),
    expected: nearly(1, 0.1),
    faults: [fitsOne],
  },
  {
    ...estimation,
    reads: { study: "clients" },
    name: "cost-slope",
    claim: "So the cost falls with the number of clients.",
    quantity: "slope of log cost over log n/(1 − 1/n); predicted −1",
    measure: slopeOver((run) => {
      const { n } = readSetting(run);
      return n / (1 - 1 / n);
    }, cost),
    expected: nearly(-1, 0.1),
    faults: [fitsOne],
  },
  {
    ...estimation,
    reads: { study: "common" },
    name: "outside",
    claim: "Refinement averages the error outside the space, with a common part M too.",
    quantity: "refined error outside the true space, measured over predicted",
    measure: overPrediction(
      ({ measures }) => measures.outside,
      (run) => {
        const { p, q, r, n, variance } = readSetting(run);
        return (variance * (p - r) * q) / n + predictCost(run);
      },
    ),
    expected: nearly(1, 0.1),
    faults: [averagesNothing],
  },
  {
    ...estimation,
    reads: { study: "common" },
    name: "inside",
    claim: "It keeps what is inside the true space.",
    quantity: "error inside the true space, of refined changes over that of sent ones",
    measure: overPrediction(
      ({ measures }) => measures.inside,
      ({ measures }) => measures.ownInside,
    ),
    expected: nearly(1, 0.01),
    faults: [sharesInside],
  },
  {
    ...estimation,
    reads: { study: "pays" },
    name: "pays",
    claim: "Where the noise is known, the updates tell whether refining pays.",
    quantity:
      "federations where the gain less cost has one sign: estimated, measured and predicted",
    measure: (all) => countRuns(all, isForeseen),
    expected: { min: 0.95 },
    faults: [fitsAll, averagesNothing, averagesFew],
  },
  { ...atMultiple("evidence", 1.25), faults: [flagsNobody.evidence, flagsAll.evidence] },
  atMultiple("gap", 1.25),
  { ...atMultiple("gap", 2), faults: [flagsNobody.gap, flagsAll.gap] },
  acrossSettings(files.settings, "10 clients", (clients) => clients === "10"),
  acrossSettings(files.settings, "40 clients or other noise", (clients) => clients !== "10"),
  acrossSettings(files.many, "80 and 160 clients"),
  falseAlarms("gap"),
  falseAlarms("evidence"),
  decides("gap"),
  { ...decides("evidence"), faults: [flagsAll.evidence] },
  {
    name: "attacks-inside",
    claim: "By design, the decomposition does not find attacks inside the space.",
    file: files.inside,
    judge: "gap",
    reads: { judge: "gap" },
    quantity: "federations with a contaminated client flagged, three kinds",
    measure: (all) => {
      const runs = all.filter((run) => run.at("attack") !== "none");
      return countRuns(runs, ({ measures }) => measures.found > 0);
    },
    expected: { max: 0.1 },
    faults: [flagsAll.gap],
  },
  {
    name: "harm-inside",
    claim: "They do no harm to personal models, which are averaged over more clients then.",
    file: files.inside,
    judge: "gap",
    reads: { judge: "gap" },
    quantity: "error of benign clients over that without the attackers, three kinds",
    measure: (all) => {
      const runs = all.filter((run) => run.at("attack") !== "none");
      return perSeed(runs, (own) => mean(own.map(({ measures }) => measures.error)));
    },
    expected: { max: 0.95 },
    faults: [sharesInside],
  },
];
