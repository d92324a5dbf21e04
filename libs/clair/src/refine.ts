import { item, zip } from "@fedclair/linalg";
import { computeWeights } from "@fedclair/rules";
import type { Hosted } from "@fedclair/threads";
import type { ClairResult } from "./clair.js";
import type { ClairOptions } from "./options.js";
import type { Blend } from "./refine/blends.js";
import type { RankedPair, RefinedPair } from "./refine/pairs.js";
import { refineVectors } from "./refine/vectors.js";
import type { Members, Refined, RefineOptions } from "./refine/refine-module.js";
import { indicesOf } from "./updates/sanitise.js";
import type { SharedSpace } from "./space/projection.js";
import type { ModuleState } from "./modules/module-state.js";

type JudgedRound = Pick<ClairResult, "benign" | "modules" | "spaces">;
type Options = RefineOptions & Pick<ClairOptions, "weighting">;

/**
 * Step 7: refines every module with `refineModule`, and modules that are not compared with
 * `refineVectors`.
 * @returns refined changes by module; empty for a round without a benign client
 */
export async function refine(
  judged: JudgedRound,
  options: Options & Pick<ClairOptions, "models">,
): Promise<ReadonlyMap<string, Refined>> {
  const compared = await refineEachModule(judged, options, (module, space, members) =>
    module.ask("refine", space, members, options),
  );
  const { benign } = judged;
  if (benign.length === 0) return compared;
  const vectors = await refineVectors(benign, computeWeights(benign, options.weighting));
  return new Map([...compared, ...vectors]);
}

/**
 * Refines into pairs with the ranks of the clients' own pairs, by module and client id.
 * @throws TypeError if changes are dense
 */
export function refineToPairs(
  judged: JudgedRound,
  options: Options,
): Promise<ReadonlyMap<string, ReadonlyMap<string, RefinedPair>>> {
  return refineEachModule(judged, options, (module, space, members) =>
    module.ask("refineToPairs", space, members, options),
  );
}

/**
 * Blends the change of every benign client with the mean of the other benign clients, in pairs with
 * the ranks of the clients' own pairs, by module and client id.
 * @throws TypeError if changes are dense
 */
export function blendToPairs(
  judged: JudgedRound,
  options: Pick<ClairOptions, "weighting">,
  blend: Blend,
): Promise<ReadonlyMap<string, ReadonlyMap<string, RankedPair>>> {
  return refineEachModule(judged, options, (module, _, members) =>
    module.ask("blendToPairs", members, blend),
  );
}

async function refineEachModule<T>(
  { benign, modules, spaces }: JudgedRound,
  { weighting }: Pick<ClairOptions, "weighting">,
  ask: (module: Hosted<ModuleState>, space: SharedSpace, members: Members) => Promise<T>,
): Promise<Map<string, T>> {
  if (benign.length === 0) return new Map();
  const members = {
    clients: indicesOf(benign),
    ids: benign.map(({ id }) => id),
    weights: computeWeights(benign, weighting),
  };
  const bySpace = [...spaces.values()];
  const refined = await modules.each((module, m) => ask(module, item(bySpace, m), members));
  return new Map(zip(modules.names, refined));
}
