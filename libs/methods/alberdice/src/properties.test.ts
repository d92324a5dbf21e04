import { UserError } from "@fedclair/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { item, at } from "@fedclair/linalg";
import { agentProblem } from "./agent-problem.js";
import { alternate } from "./alternate.js";
import { bestResponse } from "./best-response.js";
import {
  actionOf,
  dropDeadEnds,
  countTransitions,
  type GameShape,
  type Transition,
} from "./dataset.js";
import { correction, divergences, singleStateDice } from "./divergence.js";
import { nashGap, objective } from "./objective.js";
import { normalise, othersProbabilities, uniformPolicy, type Policy } from "./policy.js";
import { solveDominant } from "./solve.js";
import { assertNear, assertWithin } from "../testing/datasets.js";

const weight = fc.double({ min: 0.05, max: 1, noNaN: true });

interface Game {
  readonly shape: GameShape;
  readonly transitions: readonly Transition[];
  readonly policies: readonly Policy[];
  readonly alpha: number;
}

/** A game of two or three agents with data in every state, and policies in it. */
const game: fc.Arbitrary<Game> = fc
  .record({
    states: fc.integer({ min: 1, max: 4 }),
    actions: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 3 }),
  })
  .chain((shape) => {
    const state = fc.nat(shape.states - 1);
    const action = fc.tuple(...shape.actions.map((count) => fc.nat(count - 1)));
    const reward = fc.double({ min: -2, max: 2, noNaN: true });
    const row = (count: number) =>
      fc
        .array(weight, { minLength: count, maxLength: count })
        .map((w) => normalise(Float64Array.from(w)));
    const step = fc.record({ state, actions: action, reward, next: state });
    return fc.record({
      shape: fc.constant(shape),
      // One step from every state, so that none is dropped.
      transitions: fc
        .tuple(
          fc.array(step, { maxLength: 20 }),
          fc.array(step, { minLength: shape.states, maxLength: shape.states }),
        )
        .map(([more, each]) => [...more, ...each.map((t, k) => ({ ...t, state: k }))]),
      policies: fc.tuple(
        ...shape.actions.map((count) =>
          fc.array(row(count), { minLength: shape.states, maxLength: shape.states }),
        ),
      ),
      alpha: fc.double({ min: 0.05, max: 5, noNaN: true }),
    });
  });

describe("the problem of one agent", () => {
  it("has the sums over all joint actions, whether the data have them or not", () => {
    fc.assert(
      fc.property(game, fc.nat(2), ({ shape, transitions, policies }, pick) => {
        const agent = pick % shape.actions.length;
        const data = countTransitions(transitions, shape, 1e-3);
        const problem = agentProblem(data, agent, policies);
        const { actions, mass } = problem;
        const [reward, penalty] = [new Float64Array(mass.length), new Float64Array(mass.length)];
        const own = new Float64Array(mass.length);
        const flow = data.visited.map(() => new Float64Array(mass.length));
        data.mass.forEach((share, k) => {
          const row = Math.floor(k / data.joints);
          const cell = row * actions + actionOf(k % data.joints, agent, shape);
          own[cell] = at(own, cell) + share;
        });
        data.mass.forEach((share, k) => {
          const [row, joint] = [Math.floor(k / data.joints), k % data.joints];
          const cell = row * actions + actionOf(joint, agent, shape);
          const weight = at(
            othersProbabilities(policies, agent, item(data.visited, row), shape),
            joint,
          );
          reward[cell] = at(reward, cell) + weight * at(data.reward, k);
          const cost = Math.log((weight * at(own, cell)) / share);
          penalty[cell] = at(penalty, cell) + weight * cost;
          for (const { row: next, probability } of item(data.successors, k)) {
            const into = item(flow, next);
            into[cell] = at(into, cell) + weight * probability;
          }
        });
        const near = (actual: Float64Array, expected: Float64Array) => {
          actual.forEach((x, cell) => {
            assertNear(x, at(expected, cell), 1e-13);
          });
        };
        near(mass, own);
        near(problem.reward, reward);
        near(problem.penalty, penalty);
        for (let cell = 0; cell < mass.length; cell++)
          for (let k = item(problem.start, cell); k < item(problem.start, cell + 1); k++) {
            const expected = at(item(flow, item(problem.to, k)), cell);
            assertNear(item(problem.probability, k), expected, 1e-13);
          }
      }),
      { numRuns: 50 },
    );
  });

  it("is as large for thirty agents as their data, not as their joint actions", () => {
    const shape = { states: 1, actions: Array.from({ length: 30 }, () => 2) };
    const play = (player: number) => ({
      state: 0,
      actions: shape.actions.map((_, i) => (i === player ? 1 : 0)),
      reward: 1,
      next: 0,
    });
    const data = countTransitions([play(0), play(1)], shape, 1e-4);
    assert.equal(data.recorded[0]?.length, 2);
    const even = shape.actions.map((_, agent) => uniformPolicy(shape, agent));
    const { mass, penalty } = agentProblem(data, 0, even);
    assertNear(mass[0], 0.5, 1e-12);
    assertNear(mass[1], 0.5, 1e-12);
    // Nearly all of the others' 2²⁹ joint actions have the share eps of their probability.
    assertNear(penalty[0], -Math.log(1e-4), 1e-6);
  });
});

describe("properties of a best response", () => {
  it("reaches the dual's value, is no worse than before, and satisfies the flow constraint", async () => {
    await fc.assert(
      fc.asyncProperty(game, fc.nat(2), async ({ shape, transitions, policies, alpha }, pick) => {
        const data = countTransitions(transitions, shape, 1e-3);
        const options = { alpha, gamma: 0.9, tolerance: 1e-11 };
        const agent = pick % policies.length;
        const before = objective(data, policies, options);
        const { value, residual, policy, visit, problem } = await bestResponse(
          data,
          agent,
          policies,
          options,
        );
        const after = objective(data, policies.with(agent, policy), options);
        assertWithin(residual, 0, 1e-8);
        assertNear(after.value, value, 1e-7);
        assertWithin(after.value, before.value - 1e-9, Infinity);
        assertNear(
          visit.reduce((total, d) => total + d, 0),
          1,
          1e-9,
        );
        for (const penalty of problem.penalty) assertWithin(penalty, -1e-12, Infinity);
        assertWithin(before.kl, -1e-9, Infinity);
        assertNear(before.value, before.reward - alpha * before.kl, 1e-9);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("ends in a Nash policy when the agents alternate", async () => {
    await fc.assert(
      fc.asyncProperty(game, async ({ shape, transitions, policies, alpha }) => {
        const data = countTransitions(transitions, shape, 1e-3);
        const options = { gamma: 0.9, tolerance: 1e-11 };
        let last = policies;
        for await (const turn of alternate(
          data,
          policies,
          new Array<number>(2000).fill(alpha),
          options,
        )) {
          last = turn.policies;
        }
        assertWithin(await nashGap(data, last, { ...options, alpha }), -1e-7, 1e-6);
      }),
      { numRuns: 20, seed: 2 },
    );
  });
});

describe("the empirical model", () => {
  const shape = { states: 4, actions: [2, 2] };
  const step = (state: number, next: number, reward = 0): Transition => ({
    state,
    next,
    reward,
    actions: [0, 1],
  });

  it("drops transitions out of the data, and those that then lead out of it", () => {
    // State 2 has no data, so 1→2 goes; then 1 has none, so 0→1 goes.
    assert.deepEqual(dropDeadEnds([step(0, 0), step(0, 1), step(1, 2)]), [step(0, 0)]);
  });

  it("smooths the mass of every visited state and fills in actions that never occur", () => {
    const { visited, mass, reward, successors, visits } = countTransitions(
      [step(1, 3, 1), step(3, 1, 3), step(3, 3, 5), step(3, 1, 4)],
      shape,
      0.4,
    );
    assert.deepEqual(visited, [1, 3]);
    assert.deepEqual([...visits], [0.25, 0.75]);
    // 0.25·(0.6 + 0.1) for the action in the data, 0.25·0.1 for the others
    [0.025, 0.175, 0.025, 0.025].forEach((expected, joint) => {
      assertNear(mass[joint], expected, 1e-15);
    });
    assert.deepEqual([...reward], [1, 1, 1, 1, 1, 4, 1, 1]);
    assert.deepEqual(successors[0], [{ row: 0, probability: 1 }]);
    assert.deepEqual(successors[5], [
      { row: 0, probability: 2 / 3 },
      { row: 1, probability: 1 / 3 },
    ]);
  });

  it("reports invalid data", () => {
    const count = (transition: Transition, eps = 0.1) => countTransitions([transition], shape, eps);
    assert.throws(() => count(step(4, 0)), /transition 0: state 4, expected 0 to 3/);
    assert.throws(() => count(step(0, 0.5)), /next state 0.5, expected 0 to 3/);
    assert.throws(() => count(step(0, 0, NaN)), /reward NaN, expected a finite number/);
    assert.throws(() => count({ ...step(0, 0), actions: [0] }), /1 agents, expected 2/);
    assert.throws(
      () => count({ ...step(0, 0), actions: [0, 2] }),
      /action of agent 1 2, expected 0 to 1/,
    );
    assert.throws(() => count(step(0, 1)), /none of 1 transitions leads to a state with data/);
    assert.throws(() => count(step(0, 0), 0), /eps: expected a number in \(0, 1\], got 0/);
    assert.throws(() => count(step(0, 0), 2), UserError);
  });
});

describe("divergences", () => {
  it("are convex and 0 at 1, and their slopes are inverted correctly", () => {
    for (const { f, inverseSlope, slopeAtOne } of Object.values(divergences)) {
      assertNear(f(1), 0, 1e-15);
      assertNear(inverseSlope(slopeAtOne), 1, 1e-15);
      for (const x of [0.3, 0.9, 1.4, 3]) {
        const slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6;
        assertNear(inverseSlope(slope), x, 1e-5);
      }
    }
  });

  it("give a distribution, for KL the one of the closed form", () => {
    const reward = [1, -1, 0.5];
    const data = [0.2, 0.5, 0.3];
    for (const divergence of Object.values(divergences)) {
      const { d, w, lam } = singleStateDice(reward, data, 0.3, divergence);
      assertNear(item(d, 0), item(w, 0) * 0.2, 1e-15);
      assertNear(w[1], correction(divergence, (-1 - lam) / 0.3), 1e-12);
      assertNear(
        d.reduce((total, x) => total + x, 0),
        1,
        1e-12,
      );
    }
    const closed = normalise(
      Float64Array.from(data, (p, a) => p * Math.exp(item(reward, a) / 0.3)),
    );
    singleStateDice(reward, data, 0.3, divergences.kl).d.forEach((x, a) => {
      assertNear(x, at(closed, a), 1e-12);
    });
  });

  it("reject problems without an optimum", () => {
    const { kl } = divergences;
    assert.throws(() => singleStateDice([1], [0.5, 0.5], 1, kl), /1 rewards and 2 shares/);
    assert.throws(
      () => singleStateDice([1, 2], [0, 1], 1, kl),
      /positive shares of the data, got 0/,
    );
    assert.throws(() => singleStateDice([1], [1], 0, kl), /expected alpha > 0, got 0/);
  });
});

describe("solveDominant", () => {
  it("solves systems that can be checked by hand", () => {
    // [[1, -0.5], [-0.9, 1]]·[2, 1] = [1.5, -0.8]
    const y = solveDominant(Float64Array.of(1, -0.5, -0.9, 1), Float64Array.of(1.5, -0.8));
    assertNear(y[0], 2, 1e-14);
    assertNear(y[1], 1, 1e-14);
  });
});
