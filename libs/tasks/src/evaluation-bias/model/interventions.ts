import { requireFinite } from "./model-error.js";

/** The two parameters of an evaluation. */
export interface Evaluator {
  /** Risk-averseness > 0. */
  readonly alpha: number;
  /** Least entropy of the observed scores, nats. */
  readonly tau: number;
}

/** Moves alpha towards 1 by the share `rho`: 1 + (1 - rho)(alpha - 1). */
export function reduceSkew({ alpha, tau }: Evaluator, rho: number): Evaluator {
  requireFinite("rho", rho);
  return { alpha: 1 + (1 - rho) * (alpha - 1), tau };
}

/**
 * Moves tau towards the entropy of the true scores by the share `rho`, and away from it for rho <
 * 0.
 */
export function shiftTau({ alpha, tau }: Evaluator, rho: number, entropy: number): Evaluator {
  requireFinite("rho", rho);
  return { alpha, tau: tau + rho * (entropy - tau) };
}
