import { pick } from "./fit.js";
import type { ClairOptions } from "./options.js";
import type { Problem } from "./problem.js";
import { sines } from "./scores.js";
import { startsOf } from "./starts.js";

/** The clients that a space fits best. */
interface Candidate {
  /** The H clients of the smallest sines, ascending indices. */
  readonly members: readonly number[];
  /** Σ of their squared sines. */
  readonly objective: number;
}

/** H: how many clients are benign for certain. */
export function trimmedSize(size: number, minBenignFraction: number): number {
  return Math.min(Math.max(Math.ceil(minBenignFraction * size - 1e-9), 1), size);
}

/**
 * Step 4: the least trimmed subspace, min over U of the sum of the H smallest |QZ_k|², by concentration steps from many
 * starts (after Rousseeuw and Van Driessen's C-steps for least trimmed squares).
 * @returns the H clients that the best space found fits best, ascending indices
 */
export async function search(problem: Problem, options: ClairOptions): Promise<readonly number[]> {
  const h = trimmedSize(problem.size, options.minBenignFraction);
  const concentrate = concentration(problem, h);
  const candidates: Candidate[] = [];
  for (const angles of await startsOf(problem, options)) {
    const first = await concentrate(closest(angles, h).members);
    candidates.push(await concentrate(first.members));
  }
  const followed: Candidate[] = [];
  for (const candidate of candidates.toSorted(byObjective).slice(0, options.keepStarts)) {
    followed.push(await follow(candidate, concentrate, options.cSteps));
  }
  const [best] = followed.toSorted(byObjective);
  return best?.members ?? [];
}

type Concentrate = (members: readonly number[]) => Promise<Candidate>;

/** A step: fit the members, take the clients closest to the fit. Starts meet in the same sets, hence the memory. */
function concentration(problem: Problem, h: number): Concentrate {
  const known = new Map<string, Candidate>();
  return async (members) => {
    const key = members.join();
    const next =
      known.get(key) ??
      closest(sines(problem, (await problem.parts.each("fit", members)).flat()), h);
    known.set(key, next);
    return next;
  };
}

async function follow(
  start: Candidate,
  concentrate: Concentrate,
  steps: number,
): Promise<Candidate> {
  let candidate = start;
  for (let step = 0; step < steps; step++) {
    const next = await concentrate(candidate.members);
    if (next.members.join() === candidate.members.join()) return next;
    candidate = next;
  }
  return candidate;
}

function closest(angles: readonly number[], h: number): Candidate {
  const order = [...angles.keys()].sort((i, j) => (angles[i] ?? 0) - (angles[j] ?? 0));
  const members = order.slice(0, h).sort((i, j) => i - j);
  return { members, objective: pick(angles, members).reduce((total, s) => total + s * s, 0) };
}

function byObjective(x: Candidate, y: Candidate): number {
  return x.objective - y.objective;
}
