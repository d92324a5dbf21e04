import { formatNumber, meanInterval, wilsonInterval } from "@fedclair/runs";

/**
 * @typedef {object} Estimate
 * @property {number} mean
 * @property {number} low lower end of the 95 % interval
 * @property {number} high
 * @property {number} n number of seeds, or of the cases that a share counts
 * @property {number} [hits] of a share
 * @property {boolean} [alike] whether all values print alike or differ by rounding errors only, so
 * that the ends are the least and the largest value: a t interval would be of rounding errors
 */

/**
 * Estimates the quantity of a claim.
 * @param {readonly number[] | { readonly hits: number, readonly of: number }} measured one value
 * per seed, for Student's interval of the mean; or how many of a number of cases, for Wilson's
 * interval of the share
 * @returns {Estimate}
 * @throws RangeError for a single seed, which has no interval, and for a value that is no number
 */
export function estimate(measured) {
  if (!Array.isArray(measured)) {
    const { hits, of } = /** @type {{ hits: number, of: number }} */ (measured);
    if (!(of > 0)) throw new RangeError(`expected at least one case, got ${of}`);
    return { mean: hits / of, ...wilsonInterval(hits, of), n: of, hits };
  }
  const wrong = measured.find((value) => !Number.isFinite(value));
  if (measured.includes(wrong)) throw new RangeError(`expected finite numbers, got ${wrong}`);
  const { mean, n, interval } = meanInterval(measured);
  if (!interval) throw new RangeError(`expected at least two seeds, got ${n}`);
  const ends = { low: Math.min(...measured), high: Math.max(...measured) };
  if (formatNumber(ends.low) === formatNumber(ends.high) || areEqual(ends))
    return { mean, ...ends, n, alike: true };
  return { mean, ...interval, n };
}

/** Do two values differ by rounding errors only? */
export function areEqual({ low, high }) {
  return high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high));
}

export const verdicts = ["holds", "does not hold", "cannot be told here"];

/**
 * Judges a claim by the interval of its quantity: it holds if the whole interval lies in the
 * expected range, and does not hold if the whole interval lies outside.
 * @param {Estimate} estimate
 * @param {{ readonly min?: number, readonly max?: number }} expected bounds included
 * @returns {"holds" | "does not hold" | "cannot be told here"}
 * @throws RangeError for an interval whose ends are no numbers
 */
export function judge({ low, high }, { min = -Infinity, max = Infinity }) {
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw new RangeError(`expected an interval, got ${low} … ${high}`);
  if (low >= min && high <= max) return "holds";
  return high < min || low > max ? "does not hold" : "cannot be told here";
}
