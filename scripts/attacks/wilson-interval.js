/** The 97.5 % quantile of the standard normal distribution, for intervals of 95 %. */
const quantile = 1.959964;

/**
 * The 95 % confidence interval of a share by Wilson's score (Wilson 1927, JASA 22:158), which stays
 * within 0 and 1 and has a width for 0 and for all of a few. It assumes independent trials.
 * @param {number} hits 0 … total
 * @param {number} total at least 1
 * @returns {[number, number]} lower and upper bound
 */
export function wilsonInterval(hits, total) {
  if (!(total >= 1 && hits >= 0 && hits <= total)) {
    throw new RangeError(
      `expected 0 ≤ hits ≤ total and a total of 1 or more, got ${hits} of ${total}`,
    );
  }
  const share = hits / total;
  const z2 = quantile ** 2 / total;
  const middle = (share + z2 / 2) / (1 + z2);
  const half = Math.sqrt(z2 * share * (1 - share) + z2 ** 2 / 4) / (1 + z2);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
