import { sum } from "@fedclair/linalg";

/** A smaller mean loss, relative to the metric, would hardly be noticed by anybody. */
const minLoss = 0.01;

/** A loss is chance if one as large is at least this likely without an effect. */
const significance = 0.05;

/**
 * Describes what benign clients lose to an attack, by paired comparisons over seeds. A loss needs
 * five seeds or more to be larger than chance.
 * @param {readonly Record<"own" | "alone" | "without", number>[]} means of the benign clients under
 *   attack, when training alone, and without the attackers, one entry per seed
 * @param {"higher" | "lower"} better the direction of the metric
 * @returns {"harmful" | "costs gain" | "harmless" | "harm unclear"} worse than alone; no worse than
 *   alone, but worse than without the attackers; neither; worse, but possibly by chance
 */
export function describeHarm(means, better) {
  const [alone, without] = ["alone", "without"].map((other) => {
    const sign = better === "higher" ? 1 : -1;
    const losses = means.map((seed) => sign * (seed[other] - seed.own));
    const scale = Math.abs(sum(means.map((seed) => seed[other])));
    if (sum(losses) <= minLoss * scale) return "no loss";
    return computePValue(losses) <= significance ? "loss" : "unclear";
  });
  if (alone === "loss") return "harmful";
  if (without === "loss") return "costs gain";
  return alone === "unclear" || without === "unclear" ? "harm unclear" : "harmless";
}

/**
 * Computes the one-sided p-value of paired differences by Fisher's randomisation test: the share of
 * all choices of their signs whose sum is at least the observed one.
 * @param {readonly number[]} differences at most about 20, because the time doubles with each
 */
export function computePValue(differences) {
  const observed = sum(differences);
  const rounding = 1e-12 * sum(differences.map(Math.abs));
  const countFrom = (index, total) => {
    if (index === differences.length) return total >= observed - rounding ? 1 : 0;
    const difference = differences[index];
    return countFrom(index + 1, total + difference) + countFrom(index + 1, total - difference);
  };
  return countFrom(0, 0) / 2 ** differences.length;
}

/**
 * Describes an attack by what became of most of its clients, and by the harm. A change that does no
 * harm is called harmless and not missed.
 * @param counts of contaminated clients: found, undecided, missed
 * @param harm as `describeHarm` returns it
 */
export function describeOutcome({ found, undecided, missed }, harm) {
  const most = Math.max(found, undecided, missed);
  if (most === found) return harm === "harmless" ? "found" : `found, ${harm}`;
  if (most === undecided) return `undecided, ${harm}`;
  return harm === "harmless" ? "harmless" : `missed, ${harm}`;
}
