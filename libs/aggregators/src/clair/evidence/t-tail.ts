/**
 * ln P(T > t) of Student's t with `df` degrees of freedom: Wallace's normal deviate of t, within 6 % of p from
 * four degrees on (Wallace 1959, Annals of Mathematical Statistics 30).
 * @returns at most 0; finite for every finite t
 */
export function logTail(t: number, df: number): number {
  const deviate = ((8 * df + 1) / (8 * df + 3)) * Math.sqrt(df * Math.log1p((t * t) / df));
  return t >= 0 ? logNormalTail(deviate) : Math.log1p(-Math.exp(logNormalTail(deviate)));
}

const logRootTwoPi = Math.log(2 * Math.PI) / 2;

/** ln P(Z > z), z ≥ 0: the polynomial 26.2.17 of Abramowitz and Stegun near 0, Mills' ratio as a continued fraction beyond. */
function logNormalTail(z: number): number {
  const density = -(z * z) / 2 - logRootTwoPi;
  if (z > 3) return density - Math.log(z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 5 / (z + 6))))));
  const t = 1 / (1 + 0.2316419 * z);
  const sum =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return density + Math.log(sum);
}
