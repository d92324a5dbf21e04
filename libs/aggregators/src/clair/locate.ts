import { detect, withoutDetection, type Detection } from "./detect.js";
import { detectConvex } from "./detect-convex.js";
import type { ClairOptions } from "./options.js";
import type { Parts } from "./parts.js";
import type { Problem } from "./problem.js";
import type { Client } from "./sanitise.js";
import { search } from "./search.js";

/** ln of the clients' scores over earlier rounds, by client id. */
export type Memory = ReadonlyMap<string, number>;

/** The active clients of a round, and the modules that they changed. */
export interface Cohort {
  /** At least one. */
  readonly clients: readonly Client[];
  readonly parts: Parts;
  readonly memory: Memory;
}

/**
 * Steps 1 to 5: who is in the shared space. The parts' current fit is then that space.
 * @param leastNorm a change with a norm up to it counts as zero
 */
export async function locate(
  { clients, parts, memory }: Cohort,
  options: ClairOptions,
  leastNorm = 0,
): Promise<Detection> {
  const facts = (await parts.each("view", leastNorm)).flat();
  const size = clients.length;
  const problem: Problem = { parts, facts, size, pooling: options.pooling };
  if (size < options.minClients) return withoutDetection(problem);
  if (options.solver === "convex") return detectConvex(problem, options);
  const earlier = clients.map(({ id }) => memory.get(id));
  return detect(problem, await search(problem, options), earlier, options);
}

/**
 * Section 3.1: the space of what varies between benign clients, for a common part that is large. A fit mixes such a part in; here the
 * mean of the benign clients is taken out and the rest located again, until the set stays.
 * @param leastNorm a difference with a norm up to it is rounding
 */
export async function locateCentred(
  cohort: Cohort,
  options: ClairOptions,
  leastNorm: number,
): Promise<Detection> {
  let detection = await locate(cohort, options);
  for (let pass = 0; pass < 5; pass++) {
    const { benign } = detection;
    await cohort.parts.each("centre", benign);
    detection = await locate(cohort, options, leastNorm);
    if (detection.benign.join() === benign.join()) break;
  }
  return detection;
}
