import { requireFiniteNumber } from "./model-error.js";
import type { SeatRule } from "./selection.js";

/** The interventions against a biased evaluation that are compared; `none` changes nothing. */
export const interventions = ["none", "reduceSkew", "shiftTau", "atleast", "proportional"] as const;

export type Intervention = (typeof interventions)[number];

/** The two parameters of an evaluation. */
export interface Evaluator {
  /** Risk-averseness > 0. */
  readonly alpha: number;
  /** Least entropy of the observed scores, nats. */
  readonly tau: number;
}

/** Moves alpha towards 1 by the share `rho`: 1 + (1 - rho)(alpha - 1). */
export function reduceSkew({ alpha, tau }: Evaluator, rho: number): Evaluator {
  requireFiniteNumber("rho", rho);
  return { alpha: 1 + (1 - rho) * (alpha - 1), tau };
}

/**
 * Moves tau towards the entropy of the true scores by the share `rho`, and away from it for rho <
 * 0.
 */
export function shiftTau({ alpha, tau }: Evaluator, rho: number, entropy: number): Evaluator {
  requireFiniteNumber("rho", rho);
  return { alpha, tau: tau + rho * (entropy - tau) };
}

/** An intervention on a panel: the evaluation after it, and how seats are allocated. */
interface Plan {
  readonly intervention: Intervention;
  readonly evaluator: Evaluator;
  readonly rule: SeatRule;
}

/**
 * Lists the interventions on a panel.
 * @param entropy of the true scores, nats
 * @param settings `rho` for the changes of the evaluation, and the share of rule `atleast`
 */
export function planInterventions(
  evaluator: Evaluator,
  entropy: number,
  { rho, atleast }: { readonly rho: number; readonly atleast: number },
): readonly Plan[] {
  const none: SeatRule = { name: "none" };
  return [
    { intervention: "none", evaluator, rule: none },
    { intervention: "reduceSkew", evaluator: reduceSkew(evaluator, rho), rule: none },
    { intervention: "shiftTau", evaluator: shiftTau(evaluator, rho, entropy), rule: none },
    { intervention: "atleast", evaluator, rule: { name: "atleast", share: atleast } },
    { intervention: "proportional", evaluator, rule: { name: "proportional" } },
  ];
}
