import {
  frobenius,
  hstack,
  leadingLeft,
  median,
  multiply,
  multiplyTN,
  quantile,
  subtract,
  thinQr,
  thinSvd,
  type Matrix,
} from "@fedclair/linalg";
import { fit, sine, type Bases, type Problem, type Sought } from "./fit.js";
import type { ClairOptions } from "./options.js";

/** The spaces that the search starts from (step 4, starts a to d). */
export function startsOf(problem: Problem, options: ClairOptions): Bases[] {
  const all = Array.from({ length: problem.size }, (_, k) => k);
  const untrimmed = fit(problem, all);
  const spaces = all.map((k) => problem.sought.map((sought) => ownSpace(sought, k)));
  return [
    untrimmed,
    reweighted(problem, all, untrimmed),
    // A block, unlike a vector, already shows the whole space: this is what makes colluders on a line harmless.
    ...spread(problem.size, options.starts).map((k) =>
      problem.sought.map((sought, v) => completed(sought, spaces[k]?.[v])),
    ),
    ...subsets(problem, spaces, options).map((members) => fit(problem, members)),
  ];
}

/** The left singular vectors of client k's own block, at most r, whose singular value is above 1e-8 of the largest. */
function ownSpace({ view, rank }: Sought, k: number): Matrix | undefined {
  const block = view.blocks[k];
  const gram = view.grams[k];
  if (block === undefined || gram === undefined || view.isZero[k]) return undefined;
  const leading = leadingLeft([block], rank, undefined, [gram]);
  const { u, s } = thinSvd(multiplyTN(leading, block));
  const visible = s.filter((x) => x > 1e-8 * (s[0] ?? 0)).length;
  return multiply(leading, u.columns(0, visible));
}

/** A space of fewer than r dimensions, filled up with the leading directions that all blocks have outside it. */
function completed({ view, rank }: Sought, own: Matrix | undefined): Matrix {
  if (own === undefined) return leadingLeft(view.blocks, rank, undefined, view.grams);
  if (own.cols === rank) return own;
  const residuals = view.blocks.map((block) =>
    subtract(block, multiply(own, multiplyTN(own, block))),
  );
  return thinQr(hstack([own, leadingLeft(residuals, rank - own.cols)])).q;
}

/**
 * Iteratively reweighted least squares for Σ log of the sines, smoothed by a falling lower quartile (as in Fast Median
 * Subspace and Tyler's estimator).
 */
function reweighted(problem: Problem, all: readonly number[], start: Bases): Bases {
  let bases = start;
  let smoothing = Infinity;
  for (let iteration = 0; iteration < 50; iteration++) {
    const sines = all.map((k) => sine(problem, bases, k));
    smoothing = Math.min(smoothing, Math.max(quantile(sines, 0.25), 1e-14));
    const weights = sines.map((s) => Math.max(s, smoothing) ** -2);
    const largest = Math.max(...weights);
    const next = fit(
      problem,
      all,
      weights.map((w) => w / largest),
    );
    const moved = movement(bases, next);
    bases = next;
    if (moved < 1e-12) break;
  }
  return bases;
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
function subsets(
  { sought, size }: Problem,
  spaces: readonly (readonly (Matrix | undefined)[])[],
  options: ClairOptions,
): number[][] {
  const shares = spaces.map((own) =>
    Math.min(
      1,
      ...own.flatMap((u, v) => (u === undefined ? [] : [u.cols / (sought[v]?.rank ?? 1)])),
    ),
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
