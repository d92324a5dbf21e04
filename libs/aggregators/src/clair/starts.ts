import {
  frobenius,
  hstack,
  leadingLeft,
  median,
  multiply,
  multiplyNT,
  multiplyTN,
  quantile,
  subtract,
  thinQr,
  type Matrix,
} from "@fedclair/linalg";
import { fit, sines, type Bases, type Problem, type Sought } from "./fit.js";
import type { ClairOptions } from "./options.js";
import type { View } from "./views.js";

/** The spaces that the search starts from (step 4, starts a to d). */
export function startsOf(problem: Problem, options: ClairOptions): Bases[] {
  const all = Array.from({ length: problem.size }, (_, k) => k);
  const untrimmed = fit(problem, all);
  return [
    untrimmed,
    reweighted(problem, untrimmed),
    // A block, unlike a vector, already shows the whole space: this is what makes colluders on a line harmless.
    ...spread(problem.size, options.starts).map((k) =>
      problem.sought.map((sought) => spaceOfClient(sought, k)),
    ),
    ...subsets(problem, options).map((members) => fit(problem, members)),
  ];
}

/** A client's own space, filled up with the leading directions that all blocks have outside it. */
function spaceOfClient({ view, rank }: Sought, k: number): Matrix {
  const whole = view.ownSpaces[k];
  if (whole === undefined) throw new RangeError(`no client ${k} in a view`);
  if (whole.cols >= rank) return whole.columns(0, rank);
  const residuals = view.blocks.map((block) =>
    subtract(block, multiply(whole, multiplyTN(whole, block))),
  );
  return thinQr(hstack([whole, leadingLeft(residuals, rank - whole.cols)])).q;
}

/**
 * Iteratively reweighted least squares for Σ log of the sines, smoothed by a falling lower quartile (as in Fast Median
 * Subspace and Tyler's estimator). Only a start, so each weighted fit is one step of orthogonal iteration from the last.
 */
function reweighted(problem: Problem, start: Bases): Bases {
  let bases = start;
  let smoothing = Infinity;
  for (let iteration = 0; iteration < 50; iteration++) {
    const angles = sines(problem, bases);
    smoothing = Math.min(smoothing, Math.max(quantile(angles, 0.25), 1e-14));
    const weights = angles.map((s) => Math.max(s, smoothing) ** -2);
    const largest = Math.max(...weights);
    const relative = weights.map((w) => w / largest);
    const next = problem.sought.map(({ view }, v) => iterate(view, relative, bases[v]));
    const moved = movement(bases, next);
    bases = next;
    if (moved < 1e-12) break;
  }
  return bases;
}

/** One step of orthogonal iteration on the stack of all blocks, √w_k·Z_k. */
function iterate(
  { stack, blocks }: View,
  weights: readonly number[],
  basis: Matrix | undefined,
): Matrix {
  if (basis === undefined) throw new RangeError("a view without a basis");
  const coefficients = multiplyTN(basis, stack);
  let column = 0;
  blocks.forEach(({ cols }, k) => {
    const own = coefficients.columns(column, (column += cols)).data;
    for (let i = 0; i < own.length; i++) own[i] = (own[i] ?? NaN) * (weights[k] ?? NaN);
  });
  return thinQr(multiplyNT(stack, coefficients)).q;
}

/** The largest distance between projectors by view, |UUᵀ - VVᵀ|_F, from V's part outside U to avoid cancellation. */
function movement(from: Bases, to: Bases): number {
  const moves = to.map((v, i) => {
    const u = from[i];
    return u === undefined ? 0 : Math.SQRT2 * frobenius(subtract(v, multiply(u, multiplyTN(u, v))));
  });
  return Math.max(...moves);
}

/** At most `starts` client indices, evenly spread over 0 … K - 1. */
function spread(size: number, starts: number): number[] {
  const count = Math.min(starts, size);
  const step = (size - 1) / Math.max(count - 1, 1);
  return [...new Set(Array.from({ length: count }, (_, i) => Math.floor(i * step + 0.5)))];
}

/** Random groups of clients, as large as it takes for their blocks together to show the whole space. */
function subsets({ sought, size }: Problem, options: ClairOptions): number[][] {
  const shares = Array.from({ length: size }, (_, k) =>
    Math.min(1, ...sought.map(({ view, rank }) => visibleShare(view, k, rank))),
  );
  const share = median(shares);
  const wanted = options.subsetStarts === "auto" ? (share < 1 ? 64 : 0) : options.subsetStarts;
  const groupSize = Math.min(size, Math.ceil(1 / share));
  let state = options.seed;
  return Array.from({ length: wanted }, () => {
    const members = new Set<number>();
    while (members.size < groupSize) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      members.add(Math.floor((state / 2 ** 32) * size));
    }
    return [...members];
  });
}

/** How much of an r-dimensional space client k's block can show; all, of a module that it did not change. */
function visibleShare(view: View, k: number, rank: number): number {
  return view.isZero[k] ? 1 : (view.ownSpaces[k]?.cols ?? 0) / rank;
}
