import { median, quantile } from "@fedclair/linalg";
import type { Energies } from "./fit.js";
import type { ClairOptions } from "./options.js";
import type { Problem } from "./problem.js";
import { sines } from "./scores.js";

/** The spaces that the search starts from (step 4, starts a to d): of each, every client's sine of the angle to it. */
export async function startsOf(problem: Problem, options: ClairOptions): Promise<number[][]> {
  const { parts, size } = problem;
  const angles = async (energies: Promise<Energies[][]>) => sines(problem, (await energies).flat());

  const untrimmed = await angles(parts.each("fit", [...Array(size).keys()]));
  const starts = [untrimmed, await reweighted(problem, untrimmed)];
  // A block, unlike a vector, already shows the whole space: this is what makes colluders on a line harmless.
  for (const k of spread(size, options.starts)) starts.push(await angles(parts.each("fitOwn", k)));
  for (const members of subsets(problem, options)) {
    starts.push(await angles(parts.each("fit", members)));
  }
  return starts;
}

/**
 * Iteratively reweighted least squares for Σ log of the sines, smoothed by a falling lower quartile (as in Fast Median
 * Subspace and Tyler's estimator). Only a start, so each weighted fit is one step of orthogonal iteration from the last.
 * @param start the sines of the parts' current fit
 */
async function reweighted(problem: Problem, start: number[]): Promise<number[]> {
  let angles = start;
  let smoothing = Infinity;
  for (let iteration = 0; iteration < 50; iteration++) {
    smoothing = Math.min(smoothing, Math.max(quantile(angles, 0.25), 1e-14));
    const weights = angles.map((s) => Math.max(s, smoothing) ** -2);
    const largest = Math.max(...weights);
    const steps = await problem.parts.each(
      "reweigh",
      weights.map((w) => w / largest),
    );
    angles = sines(
      problem,
      steps.flatMap(({ energies }) => energies),
    );
    if (Math.max(...steps.map(({ moved }) => moved)) < 1e-12) break;
  }
  return angles;
}

/** At most `starts` client indices, evenly spread over 0 … K - 1. */
function spread(size: number, starts: number): number[] {
  const count = Math.min(starts, size);
  const step = (size - 1) / Math.max(count - 1, 1);
  return [...new Set(Array.from({ length: count }, (_, i) => Math.floor(i * step + 0.5)))];
}

/** Random groups of clients, as large as it takes for their blocks together to show the whole space. */
function subsets({ facts, size }: Problem, options: ClairOptions): number[][] {
  const shares = Array.from({ length: size }, (_, k) =>
    Math.min(1, ...facts.map(({ visibleShare }) => visibleShare[k] ?? 1)),
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
