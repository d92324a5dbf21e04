import { areEqual, indices, item, median, pick, quantile } from "@fedclair/linalg";
import { computeSines, minBenignCount, type SpaceOptions, type Views } from "./view-measures.js";

/** A set of clients that one space fits well. */
interface Candidate {
  /** Indices of the H clients with the smallest sines, ascending. */
  readonly members: readonly number[];
  /** Σ of their squared sines. */
  readonly objective: number;
}

/**
 * Number of starts that are followed to the end. Two concentration steps order the starts well, and
 * the best few lead to the same space.
 */
const followedStarts = 3;

/** Most concentration steps of a start. Members repeat after a few, so this only ends a loop. */
const maxSteps = 50;

/**
 * Step 4: finds the least trimmed subspace, the minimum over U of the sum of the H smallest
 * |QZ_k|², by concentration steps from many starts (after Rousseeuw and Van Driessen's C-steps for
 * least trimmed squares).
 * @returns indices of the H clients that the best space fits best, ascending
 */
export async function search(views: Views, options: SpaceOptions): Promise<readonly number[]> {
  const h = minBenignCount(views.size, options);
  const concentrate = createConcentrate(views, h);
  const starts = (await computeStarts(views, options)).map((sines) => pickClosest(sines, h));
  const candidates = await Promise.all(
    starts.map(async ({ members }) => concentrate((await concentrate(members)).members)),
  );
  const best = candidates.toSorted(byObjective).slice(0, followedStarts);
  const followed = await Promise.all(best.map((candidate) => follow(candidate, concentrate)));
  return item(followed.toSorted(byObjective), 0).members;
}

type Concentrate = (members: readonly number[]) => Promise<Candidate>;

/**
 * Creates the concentration step: fit the members, then take the clients closest to the fit.
 * Results are cached, because different starts reach the same sets.
 */
function createConcentrate(views: Views, h: number): Concentrate {
  const results = new Map<string, Promise<Candidate>>();
  const step = async (members: readonly number[]) =>
    pickClosest(computeSines(views, await views.fit(members)), h);
  return (members) => {
    const key = members.join();
    const next = results.get(key) ?? step(members);
    results.set(key, next);
    return next;
  };
}

async function follow(start: Candidate, concentrate: Concentrate): Promise<Candidate> {
  let candidate = start;
  for (let step = 0; step < maxSteps; step++) {
    const next = await concentrate(candidate.members);
    if (areEqual(next.members, candidate.members)) return next;
    candidate = next;
  }
  return candidate;
}

/** The clients closest to a space. */
export function pickClosest(sines: readonly number[], h: number): Candidate {
  const order = [...sines.keys()].sort((i, j) => item(sines, i) - item(sines, j));
  const members = order.slice(0, h).sort((i, j) => i - j);
  return { members, objective: pick(sines, members).reduce((total, s) => total + s * s, 0) };
}

function byObjective(x: Candidate, y: Candidate): number {
  return x.objective - y.objective;
}

/** Computes every client's sine of the angle to each space that the search starts from. */
export async function computeStarts(views: Views, options: SpaceOptions): Promise<number[][]> {
  const sinesTo = async (energies: ReturnType<Views["fit"]>) => computeSines(views, await energies);
  const members = await drawSubsets(views, options);
  const [fromAll, ...others] = await Promise.all([
    fitAllClients(views),
    // A block, unlike a vector, already shows the whole space, which makes colluders on a line
    // harmless.
    ...spreadIndices(views.size, options.starts).map((k) => sinesTo(views.fitOwn(k))),
    ...members.map((group) => sinesTo(views.fit(group))),
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
  let sines = untrimmed;
  let smoothing = Infinity;
  for (let iteration = 0; iteration < 50; iteration++) {
    smoothing = Math.min(smoothing, Math.max(quantile(sines, 0.25), 1e-14));
    const weights = sines.map((s) => Math.max(s, smoothing) ** -2);
    const largest = Math.max(...weights);
    const step = await reweighing.step(weights.map((w) => w / largest));
    sines = computeSines(views, step.energies);
    if (step.moved < 1e-12) break;
  }
  reweighing.drop();
  return [untrimmed, sines];
}

/** Lists at most `starts` client indices, evenly spread over 0 … K - 1. */
export function spreadIndices(size: number, starts: number): number[] {
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
async function drawSubsets(views: Views, { seed }: SpaceOptions): Promise<number[][]> {
  const { size } = views;
  const share = await visibleShare(views);
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

/** The share of the wanted space that the median client's block can show, at most 1. */
export async function visibleShare(views: Views): Promise<number> {
  const shown = await views.visibleShares();
  return median(
    indices(views.size).map((k) => Math.min(1, ...shown.map((ofView) => item(ofView, k)))),
  );
}
