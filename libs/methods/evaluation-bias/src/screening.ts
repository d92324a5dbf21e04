import {
  readNumbers,
  type Numbers,
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
import { isInvalid, rescale, type EarlierVerdicts } from "./earlier.js";
import type { ScoreModel } from "./federation/basis.js";
import { guardScores, guardThreshold } from "./federation/family-guard.js";
import type { PanelMoments } from "./federation/moments.js";
import { getParam } from "./params.js";

/**
 * Returns a dense module of an update.
 * @throws UserError if it is missing or factored
 */
export function getDenseModule({ delta }: Pick<Update, "delta">, name: string): Tensor {
  const module = delta.get(name);
  if (module !== undefined && !isLowRank(module)) return module;
  throw new UserError(
    `module ${name}: expected a dense tensor; choose an aggregator that keeps it`,
  );
}

export function readMoments(update: Update): PanelMoments {
  return {
    matrix: toMatrix(getDenseModule(update, "moments")),
    counts: Float64Array.from(readNumbers(getDenseModule(update, "counts"))),
    variances: Float64Array.from(readNumbers(getDenseModule(update, "variances"))),
  };
}

/**
 * Selects the updates of a round that are possible for scores, from institutions whose earlier ones
 * were possible too.
 */
export function selectPossible(round: Round, earlier: EarlierVerdicts = []): readonly Update[] {
  return round.updates.filter(
    (update) => !isInvalid(earlier, update.clientId) && isPossible(update, round),
  );
}

/**
 * Checks whether numbers are possible for scores. The engine has already checked that they are
 * finite and have the right shape.
 */
function isPossible(update: Update, { phase, params }: Round): boolean {
  if (phase === "reference") return areCounts(readNumbers(getDenseModule(update, "counts")));
  const { matrix, counts, variances } = readMoments(update);
  const largest = toMatrix(getParam(params, "psi"))
    .toRows()
    .map((row) => Math.max(...row.map(Math.abs)));
  // A mean lies within the range of its values; rounding may add a last digit.
  const isBounded = matrix
    .toRows()
    .every((row, k) => row.every((x) => Math.abs(x) <= item(largest, k) * (1 + 1e-9)));
  const variations = readNumbers(getDenseModule(update, "variations"));
  return (
    isBounded &&
    areCounts(counts) &&
    variances.every((variance) => variance >= -1e-9) &&
    variations.every((variation) => variation >= 0 && variation <= 1 + 1e-9)
  );
}

function areCounts(values: Numbers): boolean {
  return sum(values) > 0 && values.every((n) => n >= 0 && Number.isSafeInteger(n));
}

/**
 * Selects the updates to pool: those that the aggregator reports as benign, or all of them without
 * verdicts.
 */
export function selectBenign(
  updates: readonly Update[],
  verdicts?: readonly Verdict[],
): readonly Update[] {
  if (updates.length === 0) {
    throw new UserError(
      "no institution sent numbers that scores could give; nothing can be fitted",
    );
  }
  if (verdicts === undefined) return updates;
  const admitted = new Set(verdicts.filter(({ pooled }) => pooled).map(({ clientId }) => clientId));
  const pooled = updates.filter(({ clientId }) => admitted.has(clientId));
  if (pooled.length > 0) return pooled;
  throw new UserError(
    `the aggregator kept none of ${updates.length} institutions; nothing can be fitted`,
  );
}

/**
 * Applies the family guard to the institutions that the aggregator admits, and returns all
 * verdicts. Scores of the guard are rescaled to the aggregator's threshold, so that all scores of a
 * round have the same scale.
 */
export function applyGuard(
  model: ScoreModel,
  updates: readonly Update[],
  verdicts: readonly Verdict[],
): readonly Verdict[] {
  const admitted = selectBenign(updates, verdicts);
  const scores = guardScores(model, admitted.map(readMoments));
  const odd = new Map(
    admitted.flatMap(({ clientId }, c) => {
      const score = item(scores, c);
      return score > guardThreshold ? [[clientId, score] as const] : [];
    }),
  );
  return verdicts.map((verdict): Verdict => {
    const score = odd.get(verdict.clientId);
    if (score === undefined) return verdict;
    const evidence = rescale({ score, threshold: guardThreshold }, verdict.threshold);
    return { ...verdict, status: "contaminated", pooled: false, ...evidence };
  });
}

/** Adds `invalid` verdicts for the institutions whose numbers were left out. */
export function addInvalid(
  verdicts: readonly Verdict[],
  { updates }: Round,
  sound: readonly Update[],
  earlier: EarlierVerdicts = [],
): readonly Verdict[] {
  const ids = new Set(sound.map(({ clientId }) => clientId));
  const earlierById = new Map(earlier.map((verdict) => [verdict.clientId, verdict]));
  const impossible = updates
    .filter(({ clientId }) => !ids.has(clientId))
    .map(({ clientId }): Verdict => {
      const before = earlierById.get(clientId);
      return before?.status === "invalid" ? before : invalidVerdict(clientId);
    });
  return [...verdicts, ...impossible];
}

/**
 * Returns one module of the mean that an aggregator without verdicts computed.
 * @throws UserError if there is none
 */
export function readAggregate({ change }: Aggregation, name: string): Tensor {
  const terms = change
    .filter((term) => term.has(name))
    .map((modules) => getDenseModule({ delta: modules }, name));
  const [first] = terms;
  if (first === undefined) {
    throw new UserError(
      "the aggregator gives neither verdicts nor a mean; evaluation-bias needs one of them (moment-subspace, clair, fedavg)",
    );
  }
  const data = new Float64Array(readNumbers(first).length);
  for (const term of terms) readNumbers(term).forEach((x, i) => (data[i] = item(data, i) + x));
  return { shape: first.shape, data };
}

/**
 * Returns a warning if the verdicts behind a fit may be wrong. With more than about a third of
 * contaminated institutions, detectors miss some. In that case many are flagged, or some score lies
 * just below those of the flagged ones. A fit also depends on the distribution of true scores,
 * which includes institutions that were flagged only later.
 * @param verdicts after all tests; the benign institutions are pooled
 * @param earlier verdicts of the phase of histograms; its benign institutions are behind the
 * distribution of true scores
 * @returns undefined for clear verdicts
 */
export function findWarning(
  verdicts: readonly Verdict[],
  earlier: EarlierVerdicts = [],
): string | undefined {
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
