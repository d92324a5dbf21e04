import { sum } from "@fedclair/linalg";

/** A share of benign adapters, and the standard normal deviate that so many lie below. */
export const shares = [
  { share: "95 %", deviate: 1.644853627 },
  { share: "99.99 %", deviate: 3.719016485 },
] as const;

/**
 * The limit that one more benign adapter stays below with the probability that a normal deviate does: Student's prediction from the mean and deviation of
 * those that are known, with n − 1 degrees of freedom. Student's quantile is that of Wallace's normal deviate of t (1959), by which
 * the p-values are found too.
 * @param values at least two
 * @param deviate standard normal; negative: the limit that it stays above
 */
export function predictionLimit(values: readonly number[], deviate: number): number {
  const n = values.length;
  const mean = sum(values) / n;
  const variance = sum(values.map((x) => (x - mean) ** 2)) / (n - 1);
  return mean + studentQuantile(deviate, n - 1) * Math.sqrt(variance * (1 + 1 / n));
}

/** Student's quantile at the probability of a normal deviate. @param df degrees of freedom, at least 1 */
export function studentQuantile(deviate: number, df: number): number {
  const stretched = deviate * ((8 * df + 3) / (8 * df + 1));
  return Math.sign(deviate) * Math.sqrt(df * Math.expm1(stretched ** 2 / df));
}
