import { setImmediate } from "node:timers/promises";
import type { AgentProblem } from "./agent-problem.js";
import { evaluateDual } from "./dual.js";
import { responseRow, stateValues, type PenaltySettings } from "./policy-evaluation.js";
import type { Policy } from "./policy.js";

const maxSteps = 25;
/** The iteration has stalled after this many consecutive steps without a lower dual. */
const patience = 5;

/**
 * Finds a ν near the minimum of the dual by soft policy iteration, which alternates between the
 * values of a policy and the policy that responds to them.
 *
 * With a small α, Newton steps from far away have size α, so it would take hundreds of them. Steps
 * of policy iteration are much longer, but they need not lower the dual. The result is therefore
 * the best point visited, the starting point at zero included.
 * @param policy starting policy, by row
 */
export async function warmStart(
  problem: AgentProblem,
  policy: Policy,
  weights: PenaltySettings,
): Promise<Float64Array> {
  let best = evaluateDual(problem, weights, new Float64Array(problem.rows));
  let lowest = Infinity;
  let current = policy;
  for (let step = 0, stalled = 0; step < maxSteps && stalled < patience; step++) {
    const nu = stateValues(problem, current, weights);
    const point = evaluateDual(problem, weights, nu);
    const { value, advantage } = point;
    if (value < best.value) best = point;
    stalled = value < lowest ? 0 : stalled + 1;
    lowest = Math.min(lowest, value);
    current = current.map((_, row) => responseRow(problem, advantage, row, weights.alpha));
    if (step % 4 === 3) await setImmediate();
  }
  return best.nu;
}
