/** A mechanism that adds Gaussian noise to what a round shows of a client, run some times. */
export interface Spent {
  /** Standard deviation of the noise over the sensitivity: how far the data of one client can move what is shown, in L2. */
  readonly noiseMultiplier: number;
  /** With this probability, in 0 … 1, a client is in a round, and nobody sees whether it is. 1: it always is. */
  readonly samplingRate: number;
  readonly rounds: number;
}

/** Orders of Rényi differential privacy among which the best is looked for: those of opacus. */
export const orders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 52 }, (_, i) => 12 + i),
];

/**
 * The epsilon of (epsilon, `delta`)-differential privacy that all of `spent` together come to: the smallest over the orders
 * of the conversion of Canonne, Kamath and Steinke (2020, proposition 12; Balle et al. 2020, theorem 21).
 * @param delta in (0, 1)
 * @returns ≥ 0; Infinity without noise
 */
export function epsilonOf(spent: readonly Spent[], delta: number, among = orders): number {
  const candidates = among.map((order) => {
    const rdp = spent.reduce((sum, one) => sum + one.rounds * rdpOf(one, order), 0);
    return rdp + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
  });
  return Math.max(0, Math.min(...candidates));
}

type Mechanism = Omit<Spent, "rounds">;

const known = new Map<string, number>();

/**
 * Rényi divergence of order α that a client makes in one round, of the Gaussian mechanism on a Poisson sample. Mironov, Talwar
 * and Zhang, arXiv 1908.10530: log A_α / (α - 1), A_α = E (1 - q + q·exp((2z - 1)/2σ²))^α, z ~ N(0, σ²).
 * @param order > 1, whole or not
 */
export function rdpOf({ noiseMultiplier, samplingRate }: Mechanism, order: number): number {
  if (samplingRate === 0) return 0;
  if (noiseMultiplier === 0) return Infinity;
  if (samplingRate === 1) return order / (2 * noiseMultiplier ** 2);
  const key = `${noiseMultiplier} ${samplingRate} ${order}`;
  const rdp = known.get(key) ?? logMoment(noiseMultiplier, samplingRate, order) / (order - 1);
  known.set(key, rdp);
  return rdp;
}

/** Of the integrand beyond so many standard deviations there is less than what rounding leaves. */
const reach = 14;

/**
 * log A_α by the trapezoidal rule, whose error falls faster than any power of the step where the integrand is analytic: here up
 * to πσ from the real axis, in units of σ. Log by log, since A_α may be beyond all numbers.
 */
function logMoment(sigma: number, q: number, order: number): number {
  const step = Math.min(0.25, sigma / 2);
  // A power of a sum is about the larger of two powers: two bells, one around 0, the other around α, or both in one.
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
