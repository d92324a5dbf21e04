import { member, type BaseMeasure } from "./family.js";
import { ModelError } from "./model-error.js";

/**
 * Finds the gamma > 0 at which the member (1/gamma, alpha/gamma) has the entropy `tau`. Entropy
 * rises with gamma, as dH/dgamma = Var(I)/gamma³. The search is Newton's method in s = ln gamma, or
 * in the logit of gamma/limit if there is a limit, kept inside a bracket.
 * @param baseAt returns the base measure for a gamma, on which the range of a quadrature depends
 * @param tau nats
 * @param limit gamma stays below it
 * @throws ModelError INFEASIBLE if no gamma has that entropy
 */
export function findGamma(
  baseAt: (gamma: number) => BaseMeasure,
  alpha: number,
  tau: number,
  limit = Infinity,
): number {
  const gammaAt = (s: number) => (limit === Infinity ? Math.exp(s) : limit / (1 + Math.exp(-s)));
  const excess = (s: number): { value: number; slope: number } => {
    const gamma = gammaAt(s);
    const m = member(baseAt(gamma), 1 / gamma, alpha / gamma);
    const varianceOfRisk =
      m.varianceUnder + 2 * alpha * m.covariance + alpha * alpha * m.varianceOver;
    const chain = limit === Infinity ? 1 : 1 - gamma / limit;
    return { value: m.entropy - tau, slope: (varianceOfRisk / gamma ** 2) * chain };
  };

  let [low, high] = bracket((s) => excess(s).value, tau);
  let s = (low + high) / 2;
  for (let step = 0; step < 200; step++) {
    const { value, slope } = excess(s);
    if (value > 0) high = s;
    else low = s;
    if (Math.abs(value) <= 1e-14 * Math.max(1, Math.abs(tau))) break;
    const newton = s - value / slope;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - s) <= 1e-15 * Math.max(1, Math.abs(s))) break;
    s = next;
  }
  return gammaAt(s);
}

/** Finds an interval of s in which the excess changes sign, with steps of growing length from 0. */
function bracket(excess: (s: number) => number, tau: number): [number, number] {
  const direction = excess(0) > 0 ? -1 : 1;
  let from = 0;
  for (let length = 1; Math.abs(from) < 300; length *= 2) {
    const to = from + direction * length;
    if (excess(to) * direction >= 0) return direction > 0 ? [from, to] : [to, from];
    from = to;
  }
  throw new ModelError(
    "INFEASIBLE",
    `tau = ${tau}: no evaluation has this entropy, or only one with a tail too heavy to integrate`,
  );
}
