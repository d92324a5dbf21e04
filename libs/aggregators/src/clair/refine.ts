import { weightsOf } from "../weights.js";
import type { ClairResult } from "./clair.js";
import { pairs } from "./fit.js";
import type { ClairOptions } from "./options.js";
import { indicesOf } from "./sanitise.js";
import type { Members, Refined, RefineOptions, RefinedUpdates } from "./refine-module.js";
import type { RefinedPair } from "./refine-pairs.js";

type Judged = Pick<ClairResult, "benign" | "modules" | "parts">;
type Options = RefineOptions & Pick<ClairOptions, "weighting">;

/**
 * Step 7: refines every module, see `refineModule`.
 * @returns by module; nothing for a round without a benign client
 */
export function refine(result: Judged, options: Options): Promise<ReadonlyMap<string, Refined>> {
  return byModule(result, (members) => result.parts.each("refine", members, options), options);
}

/** The same, row by row. */
export function refineToUpdates(
  result: Judged,
  options: Options,
): Promise<ReadonlyMap<string, RefinedUpdates>> {
  const ask = (members: Members) => result.parts.each("refineToUpdates", members, options);
  return byModule(result, ask, options);
}

/** The same as pairs of the ranks that the clients' own have. @throws TypeError if changes are dense */
export function refineToPairs(
  result: Judged,
  options: Options,
): Promise<ReadonlyMap<string, ReadonlyMap<string, RefinedPair>>> {
  const ask = (members: Members) => result.parts.each("refineToPairs", members, options);
  return byModule(result, ask, options);
}

async function byModule<T>(
  { benign, modules }: Judged,
  ask: (members: Members) => Promise<readonly T[]>,
  { weighting }: Options,
): Promise<Map<string, T>> {
  if (benign.length === 0) return new Map();
  const refined = await ask({
    clients: indicesOf(benign),
    ids: benign.map(({ id }) => id),
    weights: weightsOf(benign, weighting),
  });
  return new Map(pairs(modules, refined));
}
