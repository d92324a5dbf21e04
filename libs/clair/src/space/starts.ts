import { median, quantile, item, indices } from "@fedclair/linalg";
import type { ClairOptions } from "../options.js";
import { computeSines, type Views } from "./views.js";

/** Computes every client's sine of the angle to each space that the search starts from. */
export async function computeStarts(views: Views, options: ClairOptions): Promise<number[][]> {
  const angles = async (energies: ReturnType<Views["fit"]>) => computeSines(views, await energies);
  const members = await drawSubsets(views, options);
  const [fromAll, ...others] = await Promise.all([
    fitAllClients(views),
    // A block, unlike a vector, already shows the whole space, which makes colluders on a line
    // harmless.
    ...spreadIndices(views.size, options.starts).map((k) => angles(views.fitOwn(k))),
    ...members.map((group) => angles(views.fit(group))),
  ]);
  return [...fromAll, ...others];
}

/**
 * Fits all clients, once directly and once by iteratively reweighted least squares for Σ log of the
 * sines, smoothed by a falling lower quartile (as in Fast Median Subspace and Tyler's estimator).
 * As this is only a start, each weighted fit is one step of orthogonal iteration from the last.
 * @returns the sines of the first fit and of the last
 */
async function fitAllClients(views: Views): Promise<number[][]> {
  const reweighing = views.reweighing();
  const untrimmed = computeSines(views, await reweighing.energies());
  let angles = untrimmed;
  let smoothing = Infinity;
  for (let iteration = 0; iteration < 50; iteration++) {
    smoothing = Math.min(smoothing, Math.max(quantile(angles, 0.25), 1e-14));
    const weights = angles.map((s) => Math.max(s, smoothing) ** -2);
    const largest = Math.max(...weights);
    const step = await reweighing.step(weights.map((w) => w / largest));
    angles = computeSines(views, step.energies);
    if (step.moved < 1e-12) break;
  }
  reweighing.drop();
  return [untrimmed, angles];
}

/** At most `starts` client indices, evenly spread over 0 … K - 1. */
function spreadIndices(size: number, starts: number): number[] {
  const count = Math.min(starts, size);
  const step = (size - 1) / Math.max(count - 1, 1);
  return [...new Set(indices(count).map((i) => Math.floor(i * step + 0.5)))];
}

/** Number of random groups of clients that the search also starts from. */
const randomGroups = 64;

/**
 * Draws random groups of clients, each large enough for their blocks together to show the whole
 * space. There are none if most clients show it by themselves.
 */
async function drawSubsets(views: Views, { seed }: ClairOptions): Promise<number[][]> {
  const { size } = views;
  const shown = await views.visibleShares();
  const shares = indices(size).map((k) => Math.min(1, ...shown.map((ofView) => item(ofView, k))));
  const share = median(shares);
  if (share >= 1) return [];
  const groupSize = Math.min(size, Math.ceil(1 / share));
  let state = seed;
  return Array.from({ length: randomGroups }, () => {
    const members = new Set<number>();
    while (members.size < groupSize) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      members.add(Math.floor((state / 2 ** 32) * size));
    }
    return [...members];
  });
}
