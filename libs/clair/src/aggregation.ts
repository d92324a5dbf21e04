import {
  dtypeOf,
  isLowRank,
  readNumbers,
  UserError,
  type Aggregation,
  type Delta,
  type Tensor,
  type TensorDelta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { createStored, payloadBytes } from "@fedclair/core/internal";
import type { ClairResult } from "./clair.js";
import { pickVectors } from "./updates/compared-modules.js";
import type { ClairOptions } from "./options.js";
import type { Refined } from "./refine/refine-module.js";

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
  { models }: Pick<ClairOptions, "models">,
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
  const benign = new Set(result.benign.map(({ id }) => id));
  const isRefined = (id: string) => benign.has(id) || result.status.get(id) === "inactive";
  const personal = updates.map(({ clientId: id, delta }): [string, Delta[]] => {
    if (benign.has(id)) {
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
    verdicts: updates.map((update) => toVerdict(update, result)),
    ...(result.controls && { cleared: result.controls.cleared }),
    metrics: toMetrics(result),
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

function toVerdict(
  { clientId }: Update,
  { status, judgements, benign, farModules }: ClairResult,
): Verdict {
  const verdictStatus = status.get(clientId);
  if (verdictStatus === undefined) throw new UserError(`clair: two updates of client ${clientId}`);
  const judgement = judgements.get(clientId);
  const threshold = judgement?.threshold ?? Infinity;
  const modules = farModules.get(clientId);
  return {
    clientId,
    ...(judgement?.reason !== undefined && { reason: judgement.reason }),
    ...(judgement?.evidence && { evidence: judgement.evidence }),
    ...(modules && { modules }),
    status: verdictStatus,
    pooled: benign.some(({ id }) => id === clientId),
    score: judgement?.score ?? null,
    threshold: Number.isFinite(threshold) ? threshold : null,
  };
}

function toMetrics({ gap, spaces, status }: ClairResult): Record<string, number> {
  const count = (wanted: string) => [...status.values()].filter((s) => s === wanted).length;
  return {
    gap,
    contaminated: count("contaminated"),
    inactive: count("inactive"),
    ...Object.fromEntries([...spaces].map(([module, { rank }]) => [`rank.${module}`, rank])),
  };
}
