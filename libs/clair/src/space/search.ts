import { item, pick } from "@fedclair/linalg";
import { minBenignCount, type ClairOptions } from "../options.js";
import { computeSines, type Views } from "./views.js";
import { computeStarts } from "./starts.js";

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
export async function search(views: Views, options: ClairOptions): Promise<readonly number[]> {
  const h = minBenignCount(views.size, options);
  const concentrate = createConcentrate(views, h);
  const starts = (await computeStarts(views, options)).map((angles) => pickClosest(angles, h));
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
    if (next.members.join() === candidate.members.join()) return next;
    candidate = next;
  }
  return candidate;
}

function pickClosest(angles: readonly number[], h: number): Candidate {
  const order = [...angles.keys()].sort((i, j) => item(angles, i) - item(angles, j));
  const members = order.slice(0, h).sort((i, j) => i - j);
  return { members, objective: pick(angles, members).reduce((total, s) => total + s * s, 0) };
}

function byObjective(x: Candidate, y: Candidate): number {
  return x.objective - y.objective;
}
