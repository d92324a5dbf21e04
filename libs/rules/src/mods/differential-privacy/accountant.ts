/**
 * A mechanism that adds Gaussian noise to the output of a round about a client, and the number of
 * rounds in which it runs.
 */
export interface MechanismUse {
  /**
   * Standard deviation of the noise divided by the sensitivity, which is the largest L2 change of
   * the output that one client's data can cause.
   */
  readonly noiseMultiplier: number;
  /**
   * Probability, in 0 … 1, that a client takes part in a round, if nobody sees whether it does. 1:
   * it always takes part.
   */
  readonly samplingRate: number;
  readonly rounds: number;
}

/** Orders of Rényi differential privacy over which epsilon is minimised; the same as in opacus. */
export const orders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 52 }, (_, i) => 12 + i),
];

/**
 * Computes the epsilon of (epsilon, `delta`)-differential privacy for all mechanisms in `uses`
 * together: the minimum over the orders of the conversion of Canonne, Kamath and Steinke (2020,
 * proposition 12; Balle et al. 2020, theorem 21).
 * @param delta in (0, 1)
 * @returns ≥ 0; Infinity without noise
 */
export function computeEpsilon(
  uses: readonly MechanismUse[],
  delta: number,
  among = orders,
): number {
  const candidates = among.map((order) => {
    const rdp = uses.reduce((sum, one) => sum + one.rounds * computeRdp(one, order), 0);
    return rdp + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
  });
  return Math.max(0, Math.min(...candidates));
}

type Mechanism = Omit<MechanismUse, "rounds">;

const cache = new Map<string, number>();

/**
 * Rényi divergence of order α that a client causes in one round, for the Gaussian mechanism on a
 * Poisson sample. Mironov, Talwar and Zhang, arXiv 1908.10530: log A_α / (α - 1), A_α = E (1 - q +
 * q·exp((2z - 1)/2σ²))^α, z ~ N(0, σ²).
 * @param order > 1, not necessarily an integer
 */
export function computeRdp({ noiseMultiplier, samplingRate }: Mechanism, order: number): number {
  if (samplingRate === 0) return 0;
  if (noiseMultiplier === 0) return Infinity;
  if (samplingRate === 1) return order / (2 * noiseMultiplier ** 2);
  const key = `${noiseMultiplier} ${samplingRate} ${order}`;
  const rdp = cache.get(key) ?? logMoment(noiseMultiplier, samplingRate, order) / (order - 1);
  cache.set(key, rdp);
  return rdp;
}

/** Number of standard deviations beyond which the integral is smaller than the rounding error. */
const reach = 14;

/**
 * Computes log A_α with the trapezoidal rule. Its error falls faster than any power of the step
 * where the integrand is analytic, which here holds up to πσ from the real axis, in units of σ. The
 * sum is taken in logarithms because A_α may overflow.
 */
function logMoment(sigma: number, q: number, order: number): number {
  const step = Math.min(0.25, sigma / 2);
  // A power of a sum is about the larger of two powers, so the integrand has two bells, one around
  // 0 and one around α, which may overlap.
  const [from, far] = [-reach, order / sigma + reach];
  const windows =
    far - from < 4 * reach
      ? [[from, far]]
      : [
          [from, reach],
          [far - 2 * reach, far],
        ];
  const logs: number[] = [];
  for (const [start = 0, end = 0] of windows) {
    const count = Math.ceil((end - start) / step);
    for (let i = 0; i <= count; i++) {
      const t = start + i * step;
      const exponent = (2 * sigma * t - 1) / (2 * sigma ** 2);
      logs.push(order * logMixture(q, exponent) - t ** 2 / 2);
    }
  }
  const largest = logs.reduce((a, b) => Math.max(a, b));
  const total = logs.reduce((sum, log) => sum + Math.exp(log - largest), 0);
  return largest + Math.log((total * step) / Math.sqrt(2 * Math.PI));
}

/** log(1 - q + q·exp(x)) */
function logMixture(q: number, x: number): number {
  return x > 0 ? x + Math.log(q + (1 - q) * Math.exp(-x)) : Math.log1p(q * Math.expm1(x));
}
