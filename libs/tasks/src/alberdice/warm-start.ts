import { setImmediate } from "node:timers/promises";
import type { AgentProblem } from "./agent-problem.js";
import { dualAt } from "./dual.js";
import { responseRow, stateValues, type Weights } from "./policy-evaluation.js";
import type { Policy } from "./policy.js";

const maxSteps = 25;
/** Steps in a row without a lower dual after which the iteration has stalled. */
const patience = 5;

/**
 * A ν near the minimum of the dual, by soft policy iteration: the values of a policy, the policy that responds to them, and
 * so on. With a small α Newton's steps from afar are of size α, hundreds of them; these are as long as those of policy
 * iteration. They need not lower the dual, so the best of them counts, zeros included.
 * @param policy by row: where to start from
 */
export async function warmStart(
  problem: AgentProblem,
  policy: Policy,
  weights: Weights,
): Promise<Float64Array> {
  let best = dualAt(problem, weights, new Float64Array(problem.rows));
  let lowest = Infinity;
  let current = policy;
  for (let step = 0, stalled = 0; step < maxSteps && stalled < patience; step++) {
    const nu = stateValues(problem, current, weights);
    const point = dualAt(problem, weights, nu);
    const { value, advantage } = point;
    if (value < best.value) best = point;
    stalled = value < lowest ? 0 : stalled + 1;
    lowest = Math.min(lowest, value);
    current = current.map((_, row) => responseRow(problem, advantage, row, weights.alpha));
    if (step % 4 === 3) await setImmediate();
  }
  return best.nu;
}
