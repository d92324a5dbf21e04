import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { countTransitions, type Transition } from "./dataset.js";
import {
  matrixNashGap,
  matrixShape,
  matrixValue,
  oneOf,
  penaltyGame,
  repeatJointAction,
  type Payoff,
} from "./matrix-game.js";
import { conservativeQ, conservativeValues, implicitQ } from "./values.js";
import { assertNear } from "../testing/datasets.js";

const gamma = 0.9;

/** Data of a game with one state, which is left after a step, so that values are rewards. */
function play(payoff: Payoff, counts: readonly (readonly [number[], number])[]) {
  const { actions } = matrixShape(payoff);
  const steps = counts.flatMap(([joint, count]) => repeatJointAction(payoff, joint, count));
  const over = actions.map(() => 0);
  const end: Transition = { state: 1, actions: over, reward: 0, next: 1 };
  const once = steps.map((step) => ({ ...step, next: 1 }));
  return countTransitions([...once, end], { states: 2, actions }, 1e-4);
}

const additive: Payoff = [
  [0, 1],
  [2, 3],
];

describe("ICQ with tables", () => {
  it("clones each agent's actions with weights exp(Q/β)", async () => {
    // Rewards are additive, so the gains of action 1 are 2 and 1, and all shares are equal.
    const data = play(additive, [[[0, 0], 5], [[0, 1], 5], [[1, 0], 5], [[1, 1], 5]]); // oxfmt-ignore
    const [first, second] = await implicitQ(data, 1, gamma);
    assertNear((first?.[0]?.[1] ?? NaN) / (first?.[0]?.[0] ?? NaN), Math.exp(2), 1e-5);
    assertNear((second?.[0]?.[1] ?? NaN) / (second?.[0]?.[0] ?? NaN), Math.exp(1), 1e-5);
  });

  it("never takes an action that the data never have", async () => {
    const [first] = await implicitQ(play(additive, [[[0, 0], 3], [[0, 1], 2]]), 1, gamma); // oxfmt-ignore
    assert.deepEqual([...(first?.[0] ?? [])], [1, 0]);
  });

  it("clones as it is where all rewards of the data are the same", async () => {
    const { payoff, data: joints } = oneOf(3);
    const policies = await implicitQ(play(payoff, joints.map((joint) => [joint, 4])), 0.1, gamma); // oxfmt-ignore
    for (const policy of policies) assertNear(policy[0]?.[1] ?? NaN, 1 / 3, 1e-4);
  });

  it("values a state by its own data, better actions more: a chain of two steps", async () => {
    // State 0 leads to 1 by action 0 and to the end by 1; state 1 pays 0 or 4.
    const step = (state: number, action: number, reward: number, next: number): Transition => {
      return { state, actions: [action, 0], reward, next };
    };
    const steps = [step(0, 0, 0, 1), step(0, 1, 1, 2), step(1, 0, 0, 2), step(1, 1, 4, 2)];
    const data = countTransitions(
      [...steps, step(2, 0, 0, 2)],
      { states: 3, actions: [2, 1] },
      1e-4,
    );
    const value = (4 * Math.exp(4)) / (1 + Math.exp(4));
    const [first] = await implicitQ(data, 1, gamma);
    const odds = (first?.[0]?.[0] ?? NaN) / (first?.[0]?.[1] ?? NaN);
    assertNear(Math.log(odds), gamma * value - 1, 1e-5);
  });
});

describe("OMAR with tables", () => {
  it("lowers values by c·(softmax/share − 1)", () => {
    const [y, p] = [Float64Array.of(1, 0.5, 9), Float64Array.of(0.75, 0.25, 0)];
    const q = conservativeValues(y, p, 2);
    const [a = NaN, b = NaN, unseen] = q;
    const soft = 1 / (1 + Math.exp(b - a));
    assertNear(a, 1 - 2 * (soft / 0.75 - 1), 1e-9);
    assertNear(b, 0.5 - 2 * ((1 - soft) / 0.25 - 1), 1e-9);
    assert.equal(unseen, -Infinity);
    assert.deepEqual([...conservativeValues(y, p, 0)].slice(0, 2), [1, 0.5]);
  });

  it("acts by the best value of each agent alone, the others as in the data", async () => {
    const payoff: Payoff = [
      [3, 0],
      [0, 1],
    ];
    // Action 1 of the second agent is usual, so 1 is worth more to the first, though 3 is possible.
    const data = play(payoff, [[[0, 0], 1], [[0, 1], 9], [[1, 1], 10]]); // oxfmt-ignore
    const [first, second] = await conservativeQ(data, 0, gamma);
    assert.deepEqual([...(first?.[0] ?? [])], [0, 1]);
    assert.deepEqual([...(second?.[0] ?? [])], [1, 0]);
  });
});

describe("the penalty game", () => {
  it("has two best equilibria and a safe one, and punishes a mix of the best", () => {
    const { payoff, data } = penaltyGame(10);
    const both = (...row: number[]) => [0, 1].map(() => [Float64Array.from(row)]);
    assert.equal(data.length, 9);
    assert.deepEqual([...matrixShape(payoff).actions], [3, 3]);
    for (const pure of [both(1, 0, 0), both(0, 1, 0), both(0, 0, 1)]) {
      assertNear(matrixNashGap(payoff, pure), 0, 1e-12);
    }
    // 10 and −10 in equal parts pay 0, and the safe action pays 0 beside them.
    assertNear(matrixValue(payoff, both(0.5, 0, 0.5)), 0, 1e-12);
    assertNear(matrixValue(penaltyGame(100).payoff, both(0.5, 0, 0.5)), -45, 1e-12);
  });
});

interface Case {
  readonly payoff: Payoff;
  readonly policies: number[][];
  readonly gap: number;
}

describe("Nash gap", () => {
  it("is that of OpenSpiel (testing/nash.py)", async () => {
    const file = new URL("../../fixtures/nash.json", import.meta.url);
    const cases = JSON.parse(await readFile(file, "utf8")) as Case[];
    assert.equal(cases.length, 4);
    for (const { payoff, policies, gap } of cases) {
      const rows = policies.map((row) => [Float64Array.from(row)]);
      assertNear(matrixNashGap(payoff, rows), gap, 1e-9);
    }
  });
});
