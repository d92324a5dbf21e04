import { UserError } from "@fedclair/core";
import { stream, at, item } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { bestResponse } from "../best-response.js";
import { countTransitions, type Transition } from "../dataset.js";
import { matrixShape, repeatJointAction, xorData, xorPayoff } from "../matrix-game.js";
import { assertNear } from "../../testing/datasets.js";
import {
  advantageSlope,
  computeCorrection,
  crossEntropySlope,
  evaluateSampledDual,
  createLearning,
  computeResiduals,
  responseTargets,
  softmaxRows,
} from "./losses.js";
import { compressSamples } from "./samples.js";

const step = (state: number, actions: readonly number[], next: number, reward = 0): Transition => ({
  state,
  actions,
  next,
  reward,
});

/** Two states, two actions each; five distinct transitions. */
const samples = compressSamples([
  step(3, [0, 0], 7, 1),
  step(3, [0, 0], 7, 1),
  step(3, [0, 1], 3, -1),
  step(3, [1, 0], 3, 0.5),
  step(7, [1, 1], 3, 2),
  step(7, [0, 1], 7),
]);
const learning = createLearning({ states: 8, actions: [2, 2] }, 0);
const policy = [0.9, 0.1, 0.3, 0.7];
const conditional = [0.6, 0.4, 0.75, 0.25, 0.5, 0.5, 0.2, 0.8];
const correction = computeCorrection(samples, learning, policy, conditional);
const settings = { alpha: 0.5, gamma: 0.9 };

/** Asserts that the slope of f at x equals central differences. */
function assertSlope(f: (x: Float64Array) => number, x: Float64Array, slope: Float64Array): void {
  const h = 1e-5;
  assert.equal(slope.length, x.length);
  slope.forEach((expected, i) => {
    const shifted = (by: number) => f(x.map((value, j) => (i === j ? value + by : value)));
    assertNear((shifted(h) - shifted(-h)) / (2 * h), expected, 1e-8);
  });
}

describe("compressed samples", () => {
  it("are the distinct transitions with their shares", () => {
    assert.deepEqual(samples.states, [3, 7]);
    assert.deepEqual(
      samples.rows.map(({ share }) => share),
      [2, 1, 1, 1, 1].map((count) => count / 6),
    );
    assert.deepEqual(samples.rows[0], {
      state: 0,
      next: 1,
      actions: [0, 0],
      reward: 1,
      share: 2 / 6,
    });
  });

  it("leave out transitions to a state without data, and are never empty", () => {
    const open = compressSamples([step(0, [0, 0], 0), step(0, [1, 1], 5)]);
    assert.equal(open.rows.length, 1);
    assert.throws(
      () => compressSamples([step(0, [0, 0], 1)]),
      (error) => error instanceof UserError && error.message.includes("longer episodes"),
    );
  });
});

describe("the losses of the sample-based variant", () => {
  it("penalise actions of the other agent that differ from the data", () => {
    assertNear(correction.penalty[0], 0.9 * Math.log(0.9 / 0.6) + 0.1 * Math.log(0.1 / 0.4), 1e-9);
    assertNear(correction.penalty[3], 0.3 * Math.log(0.3 / 0.2) + 0.7 * Math.log(0.7 / 0.8), 1e-9);
  });

  it("weight rows by the ratio of policies, and keep the mass of every pair for e and the policy", () => {
    const ratios = [0.9 / 0.6, 0.1 / 0.4, 0.9 / 0.75, 0.7 / 0.8, 0.7 / 0.5];
    ratios.forEach((ratio, k) => {
      assertNear(Math.exp(at(correction.logMass, k)), item(samples.rows, k).share * ratio, 1e-9);
    });
    // State 3, action 0: rows of 2/6·1.5 and 1/6·0.25 divide the 3/6 of the pair.
    assertNear(correction.weights[0], (0.5 * 3) / 3.25, 1e-9);
    assertNear(correction.weights[1], (0.5 * 0.25) / 3.25, 1e-9);
    assertNear(correction.weights[2], 1 / 6, 1e-12);
    assert.deepEqual(
      [...correction.visits].map((x) => Math.round(x * 6)),
      [4, 2],
    );
  });

  it("keep a small weight for a pair whose partner action has become impossible", () => {
    const dead = computeCorrection(samples, learning, [1, 0, 1, 0], conditional);
    assertNear(dead.weights[3], 1 / 6, 1e-12);
    assert.ok(dead.logMass.every((x) => Number.isFinite(x)));
  });

  it("have the slopes that differences give", () => {
    const nu = Float64Array.of(0.3, -1.2);
    const dualOf = (point: Float64Array) =>
      evaluateSampledDual(
        correction,
        computeResiduals(correction, point, settings),
        point,
        settings.gamma,
      );
    assertSlope((point) => dualOf(point).value, nu, dualOf(nu).slope);

    const residual = computeResiduals(correction, nu, settings);
    const advantage = stream("e").normals(4);
    const squares = (e: Float64Array) =>
      samples.rows.reduce((sum, { state, actions }, k) => {
        const error = at(e, state * 2 + item(actions, 0)) - at(residual, k);
        return sum + at(correction.weights, k) * error ** 2;
      }, 0);
    const slope = advantageSlope(correction, residual, advantage);
    assertSlope(squares, advantage, slope);

    const masses = Float64Array.of(0.1, 0.5, 0.2, 0);
    const crossEntropy = (logits: Float64Array) =>
      -softmaxRows(logits, 2).reduce((sum, p, k) => sum + at(masses, k) * Math.log(p), 0);
    assertSlope(crossEntropy, advantage, crossEntropySlope(advantage, masses, 2));
  });

  it("do not change if a constant is added to ν", () => {
    const valueAt = (shift: number) => {
      const nu = Float64Array.of(0.3 + shift, -1.2 + shift);
      const residual = computeResiduals(correction, nu, settings);
      return evaluateSampledDual(correction, residual, nu, settings.gamma);
    };
    assertNear(valueAt(5).value, valueAt(0).value, 1e-12);
    assertNear(
      valueAt(0).slope.reduce((sum, x) => sum + x, 0),
      0,
      1e-12,
    );
  });

  it("lead to the best response of the exact solver once e is fitted", async () => {
    const transitions = xorData.all.flatMap((pair, k) => repeatJointAction(xorPayoff, pair, k + 1));
    const alpha = 0.7;
    const other = Float64Array.of(0.35, 0.65);
    const data = countTransitions(transitions, matrixShape(xorPayoff), 1e-9);
    const exact = await bestResponse(data, 0, [[Float64Array.of(0.5, 0.5)], [other]], {
      alpha,
      gamma: 0.99,
      tolerance: 1e-10,
    });

    const xor = compressSamples(transitions);
    const corrected = computeCorrection(xor, learning, other, [1 / 3, 2 / 3, 3 / 7, 4 / 7]);
    const residual = computeResiduals(corrected, [0], { alpha, gamma: 0.99 });
    // The least-squares fit: the weighted mean of ê over the rows of an action.
    const advantage = [0, 1].map((action) => {
      const rows = [...xor.rows.keys()].filter((k) => xor.rows[k]?.actions[0] === action);
      const weight = (k: number) => at(corrected.weights, k);
      const mass = rows.reduce((sum, k) => sum + weight(k), 0);
      return rows.reduce((sum, k) => sum + (weight(k) * at(residual, k)) / mass, 0);
    });
    const targets = responseTargets(corrected, Float64Array.of(0.3, 0.7), advantage);
    targets.forEach((p, action) => {
      assertNear(p, at(item(exact.policy, 0), action), 1e-7);
    });
  });
});
