// Asks what the explanations of biased scores say about scores that were moved across a pass mark:
// Regents exams of New York, which have too few scores just below 65 and too many just above.
import { cholesky, choleskySolve, Matrix, multiplyTN, sum } from "@fedclair/linalg";
import { totalVariation } from "../dist/src/model/evaluate-histogram.js";
import { explain, explanations, predict } from "../dist/src/model/explanations.js";
import { readFederation } from "../../../../studies/papers/data.js";
import { add, normalise, truthOf } from "./real-scores.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** Width of a cell. Each exam's conversion from points skips some scores, which this averages. */
const width = 5;
/** Marks 0 to 99; nobody has 100. */
const cells = 100 / width;
/** Middle of each cell. */
export const middles = Array.from({ length: cells }, (_, k) => k * width + (width - 1) / 2);
/** The cells on both sides of the pass mark, 60 to 64 and 65 to 69. */
const [below, above] = [60 / width, 65 / width];
const degree = 6;
const otherDegrees = [4, 5, 7, 8];
/** First cells of the other windows of ten scores, from 40 to 89, that do not touch the mark. */
const otherWindows = [8, 9, 10, 14, 15, 16];
/** Middle cells of other triples in the same range that do not touch the mark. */
const otherTriples = [9, 10, 15, 16];

/**
 * Estimates for each subject the scores without the bump, and lets each explanation predict the
 * subject from the other four. The measures are
 *
 * - `missing`, the share of the scores from 60 to 64 that was moved;
 * - `moved`, the same of all students, and its lowest and highest value for other degrees;
 * - `other`, the largest share like `missing` at other marks;
 * - `least` (see `leastVariation`) around 60 to 64, and the largest such value at other marks;
 * - `own.EXPLANATION` and `held.EXPLANATION`, the total variation in the fit and held out;
 * - `bump.EXPLANATION`, the part of the surplus from 65 to 69 that is predicted;
 * - `observed.K`, `smooth.K` and `model.K`, the probabilities of cell K.
 * @returns {Promise<Run[]>} one per subject, with `subject` as label
 * @throws Error if the data cannot be fetched
 */
export async function measure() {
  const subjects = await countScores();
  const smoothed = subjects.map(({ counts }) => removeBump(counts, degree));
  return subjects.map(({ subject, counts }, s) => {
    const isOther = (_, k) => k !== s;
    const [expected, observed] = [smoothed[s], normalise(counts)];
    const truth = truthOf(middles, expected);
    const smooth = truth.pmf;
    const [others, othersSmooth] = [subjects.map((one) => one.counts), smoothed].map((all) =>
      add(all.filter(isOther)),
    );
    const fits = explain(truthOf(middles, othersSmooth), normalise(others));
    const rate = 1 - others[below] / othersSmooth[below];
    const predictions = {
      ...Object.fromEntries(
        explanations.map((name) => [name, predict(truth, name, fits[name].parameters)]),
      ),
      moved: moveUp(smooth, rate),
    };
    const own = {
      ...Object.fromEntries(explanations.map((name) => [name, fits[name].variation])),
      moved: totalVariation(moveUp(normalise(othersSmooth), rate), normalise(others)),
    };
    const surplus = observed[above] - smooth[above];
    const movedOtherwise = otherDegrees.map((one) => countMoved(counts, removeBump(counts, one)));
    const named = (kind, values) =>
      Object.entries(values).map(([name, value]) => [`${kind}.${name}`, value]);
    const map = (values, f) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, f(value)]));
    return {
      seed: 1,
      labels: { subject },
      measures: {
        missing: 1 - observed[below] / smooth[below],
        moved: countMoved(counts, expected),
        movedLow: Math.min(...movedOtherwise),
        movedHigh: Math.max(...movedOtherwise),
        other: Math.max(...otherWindows.map((first) => missingAt(counts, first))),
        least: leastAround(observed, below),
        leastOther: Math.max(...otherTriples.map((k) => leastAround(observed, k))),
        ...Object.fromEntries([
          ...named("own", own),
          ...named(
            "held",
            map(predictions, (pmf) => totalVariation(pmf, observed)),
          ),
          ...named(
            "bump",
            map(predictions, (pmf) => (pmf[above] - smooth[above]) / surplus),
          ),
          ...named("observed", observed),
          ...named("smooth", smooth),
          ...named("model", predictions.model),
        ]),
      },
    };
  });
}

/** Counts the students of each subject in cells. */
async function countScores() {
  const rows = await readFederation("regents.csv");
  const subjects = Object.keys(rows[0]).filter((column) => column !== "score");
  return subjects.map((subject) => {
    const counts = new Float64Array(cells);
    for (const row of rows) {
      const [score, students] = [Number(row.score), Number(row[subject])];
      if (students === 0) continue;
      if (!(score >= 0 && score < 100)) {
        throw new Error(`regents.csv: ${subject} has the score ${row.score}: expected 0 to 99`);
      }
      counts[Math.floor(score / width)] += students;
    }
    return { subject, counts };
  });
}

const removeBump = (counts, order) => smoothCounts(counts, [[below, above]], order);

/** The share of all students that is missing just below the mark. */
const countMoved = (counts, smooth) => (smooth[below] - counts[below]) / sum(counts);

/** The share of a cell that is missing or too much, if it and the next are left out of the fit. */
function missingAt(counts, first) {
  const windows = [
    [below, above],
    [first, first + 1],
  ];
  return Math.abs(1 - counts[first] / smoothCounts(counts, windows, degree)[first]);
}

const leastAround = (pmf, k) => leastVariation([pmf[k - 1], pmf[k], pmf[k + 1]]);

/** Moves a share of the cell below the mark to the cell above. */
function moveUp(pmf, share) {
  const moved = Float64Array.from(pmf);
  moved[above] += share * moved[below];
  moved[below] *= 1 - share;
  return moved;
}

/**
 * Estimates expected counts as exp of a polynomial, by maximum likelihood. The fit knows only the
 * sum of each window, so moves within a window do not matter.
 * @param {ArrayLike<number>} counts by cell, most of them above 0
 * @param {readonly (readonly number[])[]} windows disjoint lists of cells
 * @param {number} order of the polynomial, below the number of other cells
 * @returns {Float64Array} expected counts by cell
 * @throws Error if the likelihood has no maximum
 */
export function smoothCounts(counts, windows, order) {
  const basis = legendre(counts.length, order);
  /** Counts with the sum of each window divided like the expected counts. */
  const divide = (expected) => {
    const divided = Float64Array.from(counts);
    for (const window of windows) {
      const [known, guessed] = [counts, expected].map((all) => sum(window.map((k) => all[k])));
      for (const k of window) divided[k] = (known * expected[k]) / guessed;
    }
    return divided;
  };
  let logs = Float64Array.from(counts, (count) => Math.log(count + 1));
  for (let step = 0; step < 500; step++) {
    const expected = logs.map(Math.exp);
    const divided = divide(expected);
    // One step of iteratively re-weighted least squares (McCullagh and Nelder, 2.5).
    const target = logs.map((log, k) => log + divided[k] / expected[k] - 1);
    const next = project(basis, expected, target);
    const change = Math.max(...next.map((log, k) => Math.abs(log - logs[k])));
    logs = next;
    if (change < 1e-10) return logs.map(Math.exp);
  }
  throw new Error(`no polynomial of degree ${order} fits the counts ${[...counts].join(", ")}`);
}

/** Projects a vector on the columns of a basis, by weighted least squares. */
function project(basis, weights, target) {
  const weighted = new Matrix(
    basis.rows,
    basis.cols,
    basis.data.map((x, k) => x * weights[k % basis.rows]),
  );
  const gram = cholesky(multiplyTN(weighted, basis));
  const moments = multiplyTN(weighted, new Matrix(target.length, 1, target));
  const coefficients = choleskySolve(gram, moments).data;
  return target.map((_, i) => sum(coefficients.map((c, p) => c * basis.get(i, p))));
}

/** Legendre polynomials up to a degree, at evenly spaced points of (-1, 1); one per column. */
function legendre(points, order) {
  const rows = Array.from({ length: points }, (_, i) => {
    const x = (2 * i + 1) / points - 1;
    const row = [1, x];
    for (let p = 1; p < order; p++) row.push(((2 * p + 1) * x * row[p] - p * row[p - 1]) / (p + 1));
    return row.slice(0, order + 1);
  });
  return Matrix.fromRows(rows);
}

/**
 * Computes the least total variation between observed scores and any evaluation of the model with
 * squared loss, whatever the true scores are. The risk I is convex, so the law exp(-I/gamma)/Z is
 * log-concave, and so are its sums over cells of equal width. At a hole p₂² < p₁p₃.
 * @param {readonly number[]} probabilities of three neighbouring cells, the outer ones above 0
 */
export function leastVariation([left, middle, right]) {
  const [small, large] = [Math.min(left, right), Math.max(left, right)];
  const lack = small * large - middle ** 2;
  if (lack <= 0) return 0;
  // Raising the middle by t and lowering the smaller neighbour by t is enough for the least t:
  // (middle + t)² = (small - t)·large.
  const half = middle + large / 2;
  return Math.sqrt(half ** 2 + lack) - half;
}
