import { fit, pick, sines, type Bases, type Problem } from "./fit.js";
import type { ClairOptions } from "./options.js";
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
export function search(problem: Problem, options: ClairOptions): readonly number[] {
  const h = trimmedSize(problem.size, options.minBenignFraction);
  const concentrate = concentration(problem, h);
  const candidates = startsOf(problem, options).map((bases) => {
    const first = concentrate(closest(problem, bases, h).members);
    return concentrate(first.members);
  });
  const followed = candidates
    .toSorted((x, y) => x.objective - y.objective)
    .slice(0, options.keepStarts)
    .map((candidate) => follow(candidate, concentrate, options.cSteps));
  const [best] = followed.toSorted((x, y) => x.objective - y.objective);
  return best?.members ?? [];
}

/** A step: fit the members, take the clients closest to the fit. Starts meet in the same sets, hence the memory. */
function concentration(problem: Problem, h: number) {
  const known = new Map<string, Candidate>();
  return (members: readonly number[]): Candidate => {
    const key = members.join();
    const next = known.get(key) ?? closest(problem, fit(problem, members), h);
    known.set(key, next);
    return next;
  };
}

function follow(
  start: Candidate,
  concentrate: (members: readonly number[]) => Candidate,
  steps: number,
): Candidate {
  let candidate = start;
  for (let step = 0; step < steps; step++) {
    const next = concentrate(candidate.members);
    if (next.members.join() === candidate.members.join()) return next;
    candidate = next;
  }
  return candidate;
}

function closest(problem: Problem, bases: Bases, h: number): Candidate {
  const angles = sines(problem, bases);
  const order = [...angles.keys()].sort((i, j) => (angles[i] ?? 0) - (angles[j] ?? 0));
  const members = order.slice(0, h).sort((i, j) => i - j);
  return { members, objective: pick(angles, members).reduce((total, s) => total + s * s, 0) };
}
