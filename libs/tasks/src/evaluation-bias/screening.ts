import {
  invalidVerdict,
  isLowRank,
  toMatrix,
  UserError,
  type Aggregation,
  type Round,
  type Tensor,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import { isInvalid, onScale, type Earlier } from "./earlier.js";
import type { ScoreModel } from "./federation/basis.js";
import { guardScores, guardThreshold } from "./federation/family-guard.js";
import type { PanelMoments } from "./federation/moments.js";
import { paramOf } from "./params.js";

/** A module that is dense. @throws UserError if it is missing or factored */
export function moduleOf({ delta }: Pick<Update, "delta">, name: string): Tensor {
  const module = delta.get(name);
  if (module !== undefined && !isLowRank(module)) return module;
  throw new UserError(
    `module ${name}: expected a dense tensor; choose an aggregator that keeps it`,
  );
}

export function momentsOf(update: Update): PanelMoments {
  return {
    matrix: toMatrix(moduleOf(update, "moments")),
    counts: Float64Array.from(moduleOf(update, "counts").data),
    variances: Float64Array.from(moduleOf(update, "variances").data),
  };
}

/** The updates of a round that scores could give, of institutions whose earlier ones could come from scores too. */
export function soundOf(round: Round, earlier: Earlier = []): readonly Update[] {
  return round.updates.filter(
    (update) => !isInvalid(earlier, update.clientId) && isSound(update, round),
  );
}

/** Could these numbers come from scores at all? Finite they are, and of the right shape: the engine has seen to it. */
function isSound(update: Update, { phase, params }: Round): boolean {
  if (phase === "reference") return areCounts(moduleOf(update, "counts").data);
  const { matrix, counts, variances } = momentsOf(update);
  const largest = toMatrix(paramOf(params, "psi"))
    .toRows()
    .map((row) => Math.max(...row.map(Math.abs)));
  // A mean lies within what it averages; rounding may add a last digit.
  const bounded = matrix
    .toRows()
    .every((row, k) => row.every((x) => Math.abs(x) <= item(largest, k) * (1 + 1e-9)));
  const variations = moduleOf(update, "variations").data;
  return (
    bounded &&
    areCounts(counts) &&
    variances.every((variance) => variance >= -1e-9) &&
    variations.every((variation) => variation >= 0 && variation <= 1 + 1e-9)
  );
}

function areCounts(values: Tensor["data"]): boolean {
  return sum(values) > 0 && values.every((n) => n >= 0 && Number.isSafeInteger(n));
}

/** Those to pool: the ones that the aggregator calls benign, all of them if it does not judge. */
export function benign(
  updates: readonly Update[],
  verdicts?: readonly Verdict[],
): readonly Update[] {
  if (updates.length === 0) {
    throw new UserError(
      "no institution sent numbers that scores could give; nothing can be fitted",
    );
  }
  if (verdicts === undefined) return updates;
  const kept = new Set(verdicts.filter(({ pooled }) => pooled).map(({ clientId }) => clientId));
  const left = updates.filter(({ clientId }) => kept.has(clientId));
  if (left.length > 0) return left;
  throw new UserError(
    `the aggregator kept none of ${updates.length} institutions; nothing can be fitted`,
  );
}

/**
 * The aggregator's verdicts, and the family guard's on those it kept. A score of the guard is brought to the aggregator's
 * threshold, so that all scores of a round read alike.
 */
export function guarded(
  model: ScoreModel,
  updates: readonly Update[],
  verdicts: readonly Verdict[],
): readonly Verdict[] {
  const kept = benign(updates, verdicts);
  const scores = guardScores(model, kept.map(momentsOf));
  const odd = new Map(
    kept.flatMap(({ clientId }, c) => {
      const score = item(scores, c);
      return score > guardThreshold ? [[clientId, score] as const] : [];
    }),
  );
  return verdicts.map((verdict): Verdict => {
    const score = odd.get(verdict.clientId);
    if (score === undefined) return verdict;
    const evidence = onScale({ score, threshold: guardThreshold }, verdict.threshold);
    return { ...verdict, status: "contaminated", pooled: false, ...evidence };
  });
}

/** For the record: the verdicts, and `invalid` for institutions whose numbers were left out. */
export function withInvalid(
  verdicts: readonly Verdict[],
  { updates }: Round,
  sound: readonly Update[],
  earlier: Earlier = [],
): readonly Verdict[] {
  const ids = new Set(sound.map(({ clientId }) => clientId));
  const known = new Map(earlier.map((verdict) => [verdict.clientId, verdict]));
  const impossible = updates
    .filter(({ clientId }) => !ids.has(clientId))
    .map(({ clientId }): Verdict => {
      const before = known.get(clientId);
      return before?.status === "invalid" ? before : invalidVerdict(clientId);
    });
  return [...verdicts, ...impossible];
}

/** What an aggregator that does not judge made of a module. @throws UserError if that is nothing */
export function aggregated({ change }: Aggregation, name: string): Tensor {
  const terms = change
    .filter((term) => term.has(name))
    .map((modules) => moduleOf({ delta: modules }, name));
  const [first] = terms;
  if (first === undefined) {
    throw new UserError(
      "the aggregator gives neither verdicts nor a mean; evaluation-bias needs one of them (moment-subspace, clair, fedavg)",
    );
  }
  const data = new Float64Array(first.data.length);
  for (const term of terms) term.data.forEach((x, i) => (data[i] = item(data, i) + x));
  return { shape: first.shape, data };
}

/**
 * Are the verdicts that a fit rests on to be taken with care? Beyond about a third of contaminated institutions detectors miss
 * some; then many are flagged, or some score lies just below the flagged ones.
 * A fit also rests on the law of true scores: whoever is flagged only after it was made has had a part in it.
 * @param verdicts after all tests: whoever is benign is pooled
 * @param earlier of the phase of histograms: whoever it pooled is behind the law of true scores
 * @returns why, undefined for clear verdicts
 */
export function warningOf(verdicts: readonly Verdict[], earlier: Earlier = []): string | undefined {
  const flagged = verdicts.filter(({ status }) => status === "contaminated");
  const pooled = verdicts.filter(({ pooled }) => pooled);
  if (flagged.length === 0) return undefined;
  const share = flagged.length / (flagged.length + pooled.length);
  if (share >= 0.3) return `${Math.round(100 * share)} % of the institutions are flagged`;
  const behind = new Set(earlier.filter(({ pooled }) => pooled).map(({ clientId }) => clientId));
  const late = flagged.filter(({ clientId }) => behind.has(clientId)).length;
  if (late > 0) {
    return `${late} of the ${behind.size} institutions behind the law of true scores are flagged since`;
  }
  const scoresOf = (some: readonly Verdict[]) => some.flatMap(({ score }) => score ?? []);
  const gap = Math.min(...scoresOf(flagged)) / Math.max(...scoresOf(pooled));
  if (gap >= 2) return undefined;
  return `the smallest flagged score is only ${gap.toFixed(2)} times the largest of the others`;
}
