import type { Metrics } from "@fedclair/core";
import { at, atInt, item, sum } from "@fedclair/linalg";
import { actionOf, countTransitions, type GameShape, type Transition } from "./dataset.js";
import type { Options } from "./options.js";
import { jointProbabilities, othersProbabilities, type Policy } from "./policy.js";

/** Relative change of the values at which the iteration ends. */
const tolerance = 1e-10;
const mostIterations = 10_000;

/** A model of recorded play, in which policies are measured. */
interface PlayModel {
  /** The state in which most units start. */
  readonly start: number;
  /** The largest possible return in the model. */
  readonly best: number;
  /** Measures `return`, discounted, and `nashGap` in the model. */
  readonly measure: (policies: readonly Policy[]) => Metrics;
}

/** Chooses the value of a state from those of its joint actions. */
type Choose = (row: number, ofJoint: Float64Array) => number;

/**
 * Creates the empirical model of all recorded transitions. As in `countTransitions`, a joint action
 * that was never recorded in a state gets the smallest reward and leads back to it, so no policy is
 * credited for play that the data do not show.
 * @param units episodes, or single transitions; each starts where its first transition does
 */
export function createModel(
  units: readonly (readonly Transition[])[],
  shape: GameShape,
  { gamma, eps }: Pick<Options, "gamma" | "eps">,
): PlayModel {
  const { visited, joints, reward, successors } = countTransitions(units.flat(), shape, eps);
  const rowOf = new Map(visited.map((state, row) => [state, row]));
  const starts = new Float64Array(visited.length);
  for (const unit of units) {
    const row = rowOf.get(unit[0]?.state ?? -1);
    if (row !== undefined) starts[row] = item(starts, row) + 1 / units.length;
  }

  // Flat arrays, because the iteration below runs thousands of times over them.
  const flat = successors.flatMap((nexts, cell) => nexts.map((next) => ({ cell, ...next })));
  const cells = Int32Array.from(flat, ({ cell }) => cell);
  const rows = Int32Array.from(flat, ({ row }) => row);
  const shares = Float64Array.from(flat, ({ probability }) => gamma * probability);

  /** Iterates V ← choose(r + γPV) to its fixed point. Returns its mean over the starts. */
  const solve = (choose: Choose): number => {
    const values = new Float64Array(visited.length);
    const worth = new Float64Array(reward.length);
    for (let iteration = 0; iteration < mostIterations; iteration++) {
      worth.set(reward);
      for (let k = 0; k < cells.length; k++) {
        const cell = atInt(cells, k);
        worth[cell] = at(worth, cell) + at(shares, k) * at(values, atInt(rows, k));
      }
      let change = 0;
      let size = 1;
      for (let row = 0; row < values.length; row++) {
        const value = choose(row, worth.subarray(row * joints, (row + 1) * joints));
        change = Math.max(change, Math.abs(value - at(values, row)));
        size = Math.max(size, Math.abs(value));
        values[row] = value;
      }
      if (change <= tolerance * size) break;
    }
    return sum(values.map((value, row) => value * item(starts, row)));
  };

  const expectation = (weights: Float64Array, worth: Float64Array) => {
    let total = 0;
    for (let joint = 0; joint < worth.length; joint++)
      total += at(weights, joint) * at(worth, joint);
    return total;
  };

  const respond = (policies: readonly Policy[], agent: number): number => {
    const others = visited.map((state) => othersProbabilities(policies, agent, state, shape));
    const actions = Int32Array.from({ length: joints }, (_, joint) =>
      actionOf(joint, agent, shape),
    );
    return solve((row, worth) => {
      const sums = new Float64Array(item(shape.actions, agent));
      const weights = item(others, row);
      for (let joint = 0; joint < joints; joint++) {
        const action = atInt(actions, joint);
        sums[action] = at(sums, action) + at(worth, joint) * at(weights, joint);
      }
      return Math.max(...sums);
    });
  };

  return {
    start: visited[starts.indexOf(Math.max(...starts))] ?? 0,
    best: solve((_, worth) => Math.max(...worth)),
    measure: (policies) => {
      const joint = visited.map((state) => jointProbabilities(policies, state, shape));
      const value = solve((row, worth) => expectation(item(joint, row), worth));
      const responses = policies.map((_, agent) => respond(policies, agent));
      return { return: value, nashGap: Math.max(...responses) - value };
    },
  };
}
