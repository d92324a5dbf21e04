import {
  dtypeOf,
  isLowRank,
  readNumbers,
  toTensor,
  UserError,
  type Aggregation,
  type Delta,
  type Tensor,
  type TensorDelta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { createStored, payloadBytes } from "@fedclair/core/internal";
import { item, zip } from "@fedclair/linalg";
import { computeWeights, weigh } from "@fedclair/rules";
import type { Hosted } from "@fedclair/threads";
import type { ClairResult } from "./judge-round.js";
import type { ModuleState } from "./modules/module-state.js";
import { scalesCommonPart, type ClairOptions } from "./options.js";
import type { Refined, Members } from "./refine/common-outside.js";
import type { RefinedPair } from "./refine/outputs.js";
import type { Blend, RankedPair } from "./refine/pairs.js";
import { refineVectors } from "./refine/refine-module.js";
import { certifiedMargin } from "./space/margin.js";
import type { SharedSpace } from "./space/projection.js";
import { indicesOf, pickVectors } from "./updates/sanitise.js";

type JudgedRound = Pick<ClairResult, "modules" | "pooled" | "spaces" | "votes">;
type Options = Pick<ClairOptions, "rule" | "weighting">;

/**
 * Step 7: refines every module with `refineModule`, and modules that are not compared with
 * `refineVectors`.
 * @returns refined changes by module; empty for a round without a benign client
 */
export async function refine(
  judged: JudgedRound,
  options: Options & Pick<ClairOptions, "models">,
): Promise<ReadonlyMap<string, Refined>> {
  const { models } = options;
  const how = { models, scalesCommonPart: scalesCommonPart(options.rule) };
  const compared = await refineEachModule(judged, options, (module, space, members) =>
    module.ask("refine", space, members, how),
  );
  const { pooled } = judged;
  if (pooled.length === 0) return compared;
  const vectors = await refineVectors(pooled, weighClients(judged, options));
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
  const how = { scalesCommonPart: scalesCommonPart(options.rule) };
  return refineEachModule(judged, options, (module, space, members) =>
    module.ask("refineToPairs", space, members, how),
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
  judged: JudgedRound,
  options: Pick<ClairOptions, "weighting">,
  ask: (module: Hosted<ModuleState>, space: SharedSpace, members: Members) => Promise<T>,
): Promise<Map<string, T>> {
  const { pooled, modules, spaces } = judged;
  if (pooled.length === 0) return new Map();
  const members = {
    clients: indicesOf(pooled),
    ids: pooled.map(({ id }) => id),
    weights: weighClients(judged, options),
  };
  const bySpace = [...spaces.values()];
  const refined = await modules.each((module, m) => ask(module, item(bySpace, m), members));
  return new Map(zip(modules.names, refined));
}

/** The weights of the pooled clients in a mean, summing to 1. Groups share the weight of one. */
function weighClients(
  { pooled, votes }: Pick<JudgedRound, "pooled" | "votes">,
  { weighting }: Pick<ClairOptions, "weighting">,
): Float64Array {
  const weights = computeWeights(pooled, weighting);
  const members = new Set(pooled.map(({ id }) => id));
  const counts = new Map(
    votes.flatMap((group) => {
      const own = group.filter((id) => members.has(id));
      return own.map((id) => [id, own.length] as const);
    }),
  );
  if (counts.size === 0) return weights;
  const shared = weights.map((weight, k) => weight / (counts.get(item(pooled, k).id) ?? 1));
  const total = shared.reduce((sum, weight) => sum + weight, 0);
  return shared.map((weight) => weight / total);
}

/**
 * Converts the result of a round to an aggregation. Benign clients continue with their refined
 * change, and inactive ones with the shared part of it and their own vectors. Contaminated and
 * invalid clients keep their own change and get nothing from others. The global change is the mean
 * of the refined changes; with option `models` global every client gets it. In a trial that holds
 * back data, the benign and inactive clients choose between their refined change and others.
 */
export function toAggregation(
  updates: readonly Update[],
  result: ClairResult,
  refined: ReadonlyMap<string, Refined>,
  { models, weighting }: Pick<ClairOptions, "models" | "weighting">,
): Aggregation {
  const collectTerm = (part: (module: Refined) => TensorDelta | undefined): Delta => {
    const term = new Map<string, TensorDelta>();
    for (const [name, module] of refined) {
      const delta = part(module);
      if (delta !== undefined) term.set(name, delta);
    }
    return term;
  };
  const shared = collectTerm((module) => module.shared);
  const sharedTerms = shared.size > 0 ? [shared] : [];
  const pooled = new Set(result.pooled.map(({ id }) => id));
  const isRefined = (id: string) => pooled.has(id) || result.status.get(id) === "inactive";
  const personal = updates.map(({ clientId: id, delta }): [string, Delta[]] => {
    if (pooled.has(id)) {
      const extra = collectTerm((module) => takeShare(module, id));
      const own = collectTerm((module) => module.personal.get(id));
      return [id, [own, ...sharedTerms, ...(extra.size > 0 ? [extra] : [])]];
    }
    if (!isRefined(id)) return [id, [delta]];
    const vectors = pickVectors(delta);
    return [id, vectors.size > 0 ? [...sharedTerms, vectors] : sharedTerms];
  });
  return {
    change: refined.size > 0 ? [collectTerm((module) => module.meanPersonal), ...sharedTerms] : [],
    ...(models === "personal" && {
      personal: new Map(personal),
      refined: new Set(personal.flatMap(([id]) => (isRefined(id) ? [id] : []))),
    }),
    verdicts: updates.map((update) => toRecordedVerdict(update, result)),
    ...(result.judge.by === "evidence" && { cleared: result.judge.controls.cleared }),
    metrics: toMetrics(result),
    ...weigh(
      updates.filter(({ clientId }) => pooled.has(clientId)),
      { weighting },
    ).told,
    spaces: new Map(
      [...result.spaces].flatMap(([name, { left }]): [string, Tensor][] =>
        left === undefined ? [] : [[name, toTensor(left)]],
      ),
    ),
  };
}

/** Returns what a client gets of the common part in addition to the shared part. */
function takeShare({ common, extraShares }: Refined, id: string): TensorDelta | undefined {
  const share = extraShares.get(id);
  if (share === undefined || !common) return undefined;
  return isLowRank(common)
    ? { b: common.b, a: createScaled(common.a, share) }
    : createScaled(common, share);
}

/** Creates a multiple of a tensor. Only the tensor is in memory; each read multiplies it. */
function createScaled(tensor: Tensor, factor: number): Tensor {
  const read = () => readNumbers(tensor).map((x) => factor * x);
  return createStored(tensor.shape, dtypeOf(tensor), payloadBytes([tensor]), read);
}

function toRecordedVerdict(
  { clientId }: Update,
  { status, verdicts, pooled, farModules }: ClairResult,
): Verdict {
  const verdictStatus = status.get(clientId);
  if (verdictStatus === undefined) throw new UserError(`clair: two updates of client ${clientId}`);
  const verdict = verdicts.get(clientId);
  const threshold = verdict?.threshold ?? Infinity;
  const modules = farModules.get(clientId);
  return {
    clientId,
    ...(verdict?.reason !== undefined && { reason: verdict.reason }),
    ...(verdict && verdict.evidence.length > 0 && { evidence: verdict.evidence }),
    ...(modules && { modules }),
    status: verdictStatus,
    pooled: pooled.some(({ id }) => id === clientId),
    score: verdict?.score ?? null,
    threshold: Number.isFinite(threshold) ? threshold : null,
  };
}

function toMetrics({ gap, identifiable, spaces, status }: ClairResult): Record<string, number> {
  const count = (wanted: string) => [...status.values()].filter((s) => s === wanted).length;
  return {
    gap,
    ...(identifiable && {
      "identifiable.margin": identifiable.margin,
      "identifiable.complete": Number(identifiable.complete),
      "identifiable.certified": Number(identifiable.margin > certifiedMargin),
    }),
    contaminated: count("contaminated"),
    inactive: count("inactive"),
    ...Object.fromEntries([...spaces].map(([module, { rank }]) => [`rank.${module}`, rank])),
  };
}
