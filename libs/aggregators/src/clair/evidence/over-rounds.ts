import type { Evidence } from "@fedclair/core";
import { item, median, medianDeviation } from "@fedclair/linalg";
import { indices, pick, zip } from "../lists.js";
import { kinds, meanOf, type Moments, type ClientHistories } from "./client-histories.js";
import { logTail } from "./t-tail.js";

/** The judgement of one client over all rounds so far. */
export interface MultiRoundResult {
  /** Score relative to the limit above which a client is flagged. */
  readonly excess: number;
  readonly isContaminated: boolean;
  readonly evidence: readonly Evidence[];
}

/**
 * With fewer rounds a mean is unreliable; with fewer clients their usual differences are unknown.
 */
const minRounds = 3;
const minClients = 40;
/**
 * A run repeats the test on data that changes little, which counts as this many independent tests.
 */
const looks = 3;
/**
 * A client agrees with no other client if its mean cosine over its rounds is below this share of
 * the usual one.
 */
const minAgreementShare = 0.25;

/** Size is combined with standing apart if its p-value is below this level. */
const sizeLevel = 0.05;

/** Smallest variance between the means, in units of the variance within a round. */
const minLastingVariance = 0.1;

/**
 * Finds clients that stand out over their rounds, among clients with at least three. The lasting
 * variation between benign clients is estimated from the clients that are not flagged; random
 * variation shrinks with the number of rounds. The tests are each piece, and standing apart
 * together with size. A client's p-value is the smallest one times the number of tests. Standing
 * apart by itself counts only for a client that agrees with no other. Clients are flagged by
 * Benjamini and Hochberg's procedure (Journal of the Royal Statistical Society B 57, 1995): if no
 * client is contaminated, it flags any with probability `rate` at most.
 * @returns results by client id; empty while fewer than forty clients have enough rounds
 */
export function judgeOverRounds(
  clients: ClientHistories,
  rate: number,
): Map<string, MultiRoundResult> {
  const some = [...clients].filter(([, { rounds }]) => rounds >= minRounds);
  if (some.length < minClients) return new Map();
  const histories = some.map(([, history]) => history);
  const all = indices(histories.length);
  const moments = kinds.map((_, p) => histories.map(({ pieces }) => item(pieces, p)));
  const means = moments.map((own) => own.map(meanOf));
  const chances = moments.map(computeChanceVariances);
  let flagged = new Set<number>();
  for (let pass = 1; ; pass++) {
    const members = all.filter((k) => !flagged.has(k));
    const logs = zip(means, chances).map(([own, chance]) =>
      computeLogPValues(own, chance, members),
    );
    const usual = median(members.map((k) => meanOf(item(histories, k).agreement)));
    const tested = all.map((k) => {
      const [apart = 0, copy = 0, size = 0, flat = 0] = logs.map((own) => item(own, k));
      const isAlone = meanOf(item(histories, k).agreement) < minAgreementShare * usual;
      const isLarge = size < Math.log(sizeLevel);
      const tests = [isAlone ? apart : 0, copy, size, flat, isLarge ? combineLogP(apart, size) : 0];
      return Math.min(0, Math.log(tests.length) + Math.min(...tests));
    });
    const cut = computeLogCut(tested, rate / looks);
    const next = new Set(all.filter((k) => item(tested, k) <= cut));
    // If more than half are flagged, the flagged ones cannot be distinguished from the others.
    const isDone = pass === 10 || next.size > histories.length / 2 || isSameSet(next, flagged);
    if (!isDone) {
      flagged = next;
      continue;
    }
    return new Map(
      some.map(([id, { rounds }], k): [string, MultiRoundResult] => {
        const evidence = kinds.map((kind, p) => {
          const [statistic, log] = [item(item(means, p), k), item(item(logs, p), k)];
          return { kind, statistic, pValue: Math.exp(log), rounds };
        });
        const isContaminated = flagged.has(k);
        return [id, { excess: item(tested, k) / cut, isContaminated, evidence }];
      }),
    );
  }
}

/** Combines ln p of two pieces: Fisher's −2·(ln p + ln q) is χ² with four degrees of freedom. */
function combineLogP(x: number, y: number): number {
  return x + y + Math.log1p(-x - y);
}

function isSameSet(x: ReadonlySet<number>, y: ReadonlySet<number>): boolean {
  return x.size === y.size && [...x].every((k) => y.has(k));
}

/**
 * The random part of the variance of each client's mean, from the median variance within clients.
 */
function computeChanceVariances(own: readonly Moments[]): number[] {
  const within = own.map(({ weight, weightSquare, sum, square }) => {
    const mean = sum / weight;
    return (square / weight - mean * mean) / (1 - weightSquare / weight ** 2);
  });
  const usual = median(within);
  return own.map(({ weight, weightSquare }) => (usual * weightSquare) / weight ** 2);
}

/**
 * ln p of every client by Student's prediction of one more value from the members.
 * @param chance random part of the variance of each client's mean
 */
function computeLogPValues(
  means: readonly number[],
  chance: readonly number[],
  members: readonly number[],
): number[] {
  const own = pick(means, members);
  const middle = median(own);
  const whole = medianDeviation(own, middle) ** 2;
  // The lasting variation between members is at least a quarter, because the random part is an
  // estimate too.
  const lasting = Math.max(whole - median(pick(chance, members)), whole / 4, minLastingVariance);
  return means.map((mean, k) =>
    logTail((mean - middle) / Math.sqrt(lasting + item(chance, k)), members.length - 1),
  );
}

/**
 * ln of the bound for p-values by Benjamini and Hochberg; if none is within its bound, that of the
 * smallest p-value.
 */
function computeLogCut(logs: readonly number[], rate: number): number {
  const sorted = [...logs].sort((x, y) => x - y);
  const bounds = sorted.map((_, k) => Math.log((rate * (k + 1)) / sorted.length));
  const last = sorted.findLastIndex((log, k) => log <= item(bounds, k));
  return item(bounds, Math.max(0, last));
}
