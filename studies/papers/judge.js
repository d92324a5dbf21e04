import { meanInterval, wilsonInterval } from "@fedclair/runs";

/**
 * @typedef {object} Estimate
 * @property {number} mean
 * @property {number} low lower end of the 95 % interval
 * @property {number} high
 * @property {number} n number of seeds, or of the cases that a share counts
 * @property {number} [hits] of a share
 */

/**
 * Estimates the quantity of a claim.
 * @param {readonly number[] | { readonly hits: number, readonly of: number }} measured one value
 * per seed, for Student's interval of the mean; or how many of a number of cases, for Wilson's
 * interval of the share
 * @returns {Estimate}
 * @throws RangeError for a single seed, which has no interval
 */
export function estimate(measured) {
  if (!Array.isArray(measured)) {
    const { hits, of } = /** @type {{ hits: number, of: number }} */ (measured);
    return { mean: hits / of, ...wilsonInterval(hits, of), n: of, hits };
  }
  const { mean, n, interval } = meanInterval(measured);
  if (!interval) throw new RangeError(`expected at least two seeds, got ${n}`);
  return { mean, ...interval, n };
}

export const verdicts = ["holds", "does not hold", "cannot be told here"];

/**
 * Judges a claim by the interval of its quantity: it holds if the whole interval lies in the
 * expected range, and does not hold if the whole interval lies outside.
 * @param {Estimate} estimate
 * @param {{ readonly min?: number, readonly max?: number }} expected bounds included
 * @returns {"holds" | "does not hold" | "cannot be told here"}
 */
export function judge({ low, high }, { min = -Infinity, max = Infinity }) {
  if (low >= min && high <= max) return "holds";
  return high < min || low > max ? "does not hold" : "cannot be told here";
}
