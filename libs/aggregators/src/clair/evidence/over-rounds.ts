import type { Evidence } from "@fedclair/core";
import { item, median, medianDeviation } from "@fedclair/linalg";
import { indices, pick, zip } from "../lists.js";
import { kinds, meanOf, type Moments, type ClientHistories } from "./client-histories.js";
import { logTail } from "./t-tail.js";

/** What the rounds so far say of one client. */
export interface MultiRoundResult {
  /** In units of what accuses. */
  readonly excess: number;
  readonly isContaminated: boolean;
  readonly evidence: readonly Evidence[];
}

/** Of fewer rounds a mean says little; of fewer clients nobody knows how they differ. */
const minRounds = 3;
const minClients = 40;
/** A run looks again and again at what changes little: it is as if it looked so often. */
const looks = 3;
/** A client agrees with nobody if its cosine with the others, over its rounds, is below this share of what is usual. */
const minAgreementShare = 0.25;

/** A p-value below it is worth a word: size then counts with standing apart. */
const sizeLevel = 0.05;

/** Variance of the means, in those of a round: less is not told apart. */
const minLastingVariance = 0.1;

/**
 * Who stands out over its rounds, of clients that took part in three at least. How far benign clients differ for good is estimated from
 * those that are not accused; what remains of chance shrinks with a client's rounds. A client's p-value is that of its most telling
 * test, times the number of tests: each piece, and standing apart together with size. Standing apart alone tells only against a client
 * that agrees with nobody. Who is accused is decided by
 * Benjamini and Hochberg's procedure (Journal of the Royal Statistical Society B 57, 1995): where nobody is contaminated, it accuses
 * anybody with probability `rate` at most.
 * @returns by client id; empty while there are fewer than forty such clients
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
    // More than half cannot be told from the others being contaminated.
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

/** ln p of two pieces together, from theirs: Fisher's −2·(ln p + ln q) is χ² with four degrees of freedom. */
function combineLogP(x: number, y: number): number {
  return x + y + Math.log1p(-x - y);
}

function isSameSet(x: ReadonlySet<number>, y: ReadonlySet<number>): boolean {
  return x.size === y.size && [...x].every((k) => y.has(k));
}

/** By client, how much of the variance of its mean is chance; from the median variance within clients. */
function computeChanceVariances(own: readonly Moments[]): number[] {
  const within = own.map(({ weight, weightSquare, sum, square }) => {
    const mean = sum / weight;
    return (square / weight - mean * mean) / (1 - weightSquare / weight ** 2);
  });
  const usual = median(within);
  return own.map(({ weight, weightSquare }) => (usual * weightSquare) / weight ** 2);
}

/** ln p of every client: Student's, of one more from the members. @param chance by client, in the variance of its mean */
function computeLogPValues(
  means: readonly number[],
  chance: readonly number[],
  members: readonly number[],
): number[] {
  const own = pick(means, members);
  const middle = median(own);
  const whole = medianDeviation(own, middle) ** 2;
  // What members differ by for good; no less than a quarter, as chance is an estimate too.
  const lasting = Math.max(whole - median(pick(chance, members)), whole / 4, minLastingVariance);
  return means.map((mean, k) =>
    logTail((mean - middle) / Math.sqrt(lasting + item(chance, k)), members.length - 1),
  );
}

/** ln of the bound that p-values must keep to be rejected: Benjamini and Hochberg's; where none is, that of the smallest. */
function computeLogCut(logs: readonly number[], rate: number): number {
  const sorted = [...logs].sort((x, y) => x - y);
  const bounds = sorted.map((_, k) => Math.log((rate * (k + 1)) / sorted.length));
  const last = sorted.findLastIndex((log, k) => log <= item(bounds, k));
  return item(bounds, Math.max(0, last));
}
