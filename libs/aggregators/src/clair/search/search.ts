import { item } from "@fedclair/linalg";
import { pick } from "../lists.js";
import { leastBenign, type ClairOptions } from "../options.js";
import { sines, type Views } from "../subspace/views.js";
import { startsOf } from "./starts.js";

/** The clients that a space fits best. */
interface Candidate {
  /** The H clients of the smallest sines, ascending indices. */
  readonly members: readonly number[];
  /** Σ of their squared sines. */
  readonly objective: number;
}

/**
 * Step 4: the least trimmed subspace, min over U of the sum of the H smallest |QZ_k|², by concentration steps from many
 * starts (after Rousseeuw and Van Driessen's C-steps for least trimmed squares).
 * @returns the H clients that the best space found fits best, ascending indices
 */
export async function search(views: Views, options: ClairOptions): Promise<readonly number[]> {
  const h = leastBenign(views.size, options);
  const concentrate = concentration(views, h);
  const starts = (await startsOf(views, options)).map((angles) => closest(angles, h));
  const candidates = await Promise.all(
    starts.map(async ({ members }) => concentrate((await concentrate(members)).members)),
  );
  const kept = candidates.toSorted(byObjective).slice(0, options.keepStarts);
  const followed = await Promise.all(
    kept.map((candidate) => follow(candidate, concentrate, options.maxSteps)),
  );
  return item(followed.toSorted(byObjective), 0).members;
}

type Concentrate = (members: readonly number[]) => Promise<Candidate>;

/** A step: fit the members, take the clients closest to the fit. Starts meet in the same sets, so each is fitted once. */
function concentration(views: Views, h: number): Concentrate {
  const known = new Map<string, Promise<Candidate>>();
  const step = async (members: readonly number[]) =>
    closest(sines(views, await views.fit(members)), h);
  return (members) => {
    const key = members.join();
    const next = known.get(key) ?? step(members);
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
  const order = [...angles.keys()].sort((i, j) => item(angles, i) - item(angles, j));
  const members = order.slice(0, h).sort((i, j) => i - j);
  return { members, objective: pick(angles, members).reduce((total, s) => total + s * s, 0) };
}

function byObjective(x: Candidate, y: Candidate): number {
  return x.objective - y.objective;
}
