import { sum } from "@fedclair/linalg";

/** Shares of benign adapters, each with the standard normal deviate that this share lies below. */
export const shares = [
  { share: "95 %", deviate: 1.644853627 },
  { share: "99.99 %", deviate: 3.719016485 },
] as const;

/**
 * Computes the limit that one more benign adapter stays below, with the probability that a standard
 * normal number stays below `deviate`. It is Student's prediction limit from the mean and deviation
 * of the known values, with n − 1 degrees of freedom. Student's quantile uses Wallace's normal
 * deviate of t (1959), as the p-values do.
 * @param values at least two
 * @param deviate standard normal; if negative, the result is the limit that the adapter stays above
 */
export function predictionLimit(values: readonly number[], deviate: number): number {
  const n = values.length;
  const mean = sum(values) / n;
  const variance = sum(values.map((x) => (x - mean) ** 2)) / (n - 1);
  return mean + studentQuantile(deviate, n - 1) * Math.sqrt(variance * (1 + 1 / n));
}

/**
 * Computes Student's quantile at the probability of a normal deviate.
 * @param df degrees of freedom, at least 1
 */
export function studentQuantile(deviate: number, df: number): number {
  const stretched = deviate * ((8 * df + 3) / (8 * df + 1));
  return Math.sign(deviate) * Math.sqrt(df * Math.expm1(stretched ** 2 / df));
}
