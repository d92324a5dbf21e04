import assert from "node:assert/strict";
import { alternate, anneal, type Turn } from "./alternate.js";
import { behaviourCloning, factorisedOptiDice, independentDice } from "./baselines.js";
import { computeUnseenShare } from "./client-data.js";
import { matrixShape, matrixValue, xorData, xorPayoff } from "./matrix-game.js";
import { nashGap } from "./objective.js";
import { jointProbabilities, uniformPolicy } from "./policy.js";
import {
  assertNear,
  assertWithin,
  exact,
  policiesOf,
  xorDataset,
  type XorName,
} from "../testing/datasets.js";

const shape = matrixShape(xorPayoff);
const value = (policies: Parameters<typeof matrixValue>[1]) => matrixValue(xorPayoff, policies);
const names = Object.keys(xorData) as XorName[];

describe("AlberDICE on XOR", () => {
  const alphas = anneal(5, 0.001, 40);
  for (const name of names) {
    it(`finds a best joint action in the data ${name} from every start`, async () => {
      const data = xorDataset(name);
      const modes = new Set<number>();
      for (let seed = 1; seed <= 20; seed++) {
        const policies = await policiesOf(data, alphas, seed);
        const joint = jointProbabilities(policies, 0, shape);
        const mode = (joint[1] ?? 0) > (joint[2] ?? 0) ? 1 : 2;
        modes.add(mode);
        assertWithin(joint[mode] ?? NaN, 0.99, 1);
        assertWithin(value(policies), 0.999, 1);
        assertWithin(await nashGap(data, policies, { ...exact, alpha: 0.001 }), -1e-8, 1e-8);
      }
      if (name === "AB_BA") assert.deepEqual([...modes].sort(), [1, 2]);
    });
  }

  it("never leaves the exact symmetry of {AB, BA}, which is why the start is perturbed", async () => {
    const data = xorDataset("AB_BA");
    const half = shape.actions.map((_, agent) => uniformPolicy(shape, agent));
    let last: Turn | undefined;
    for await (const turn of alternate(data, half, alphas, exact)) last = turn;
    assert.ok(last !== undefined);
    assert.deepEqual(last.policies, half);
    assertNear(value(last.policies), 0, 1e-12);
    assertNear(await nashGap(data, last.policies, { ...exact, alpha: 1 }), 0, 1e-12);
  });

  it("stays mixed at a high temperature", async () => {
    const policies = await policiesOf(xorDataset("AA_AB_BA"), new Array<number>(100).fill(1), 1);
    const [, ab = NaN, ba = NaN] = jointProbabilities(policies, 0, shape);
    assertNear(Math.max(ab, ba), 0.73, 0.01);
  });
});

describe("the share of unseen joint actions", () => {
  it("is the probability of those that the data never have in the state", () => {
    const step = (state: number, ...actions: number[]) => ({ state, actions, reward: 0, next: 0 });
    const data = [step(0, 0, 1), step(0, 1, 0), step(0, 0, 1), step(1, 0, 0)];
    const policies = [
      [Float64Array.of(0.5, 0.5), Float64Array.of(1, 0)],
      [Float64Array.of(0.25, 0.75), Float64Array.of(0.4, 0.6)],
    ];
    // In state 0, AA and BB are unseen: 0.5·0.25 + 0.5·0.75. In state 1 all but AA: 0.6.
    const share = computeUnseenShare(data, policies, { states: 2, actions: [2, 2] });
    assertNear(share, (3 * 0.5 + 0.6) / 4, 1e-15);
  });
});

describe("baselines on XOR", () => {
  it("behaviour cloning mixes actions that never occur together", () => {
    const joint = jointProbabilities(behaviourCloning(xorDataset("AB_BA")), 0, shape);
    for (const p of joint) assertNear(p, 0.25, 1e-9);
    assertNear(value(behaviourCloning(xorDataset("AB_BA"))), 0, 1e-9);
    assertNear(value(behaviourCloning(xorDataset("AA_AB_BA"))), 2 / 9, 1e-9);
    assertNear(value(behaviourCloning(xorDataset("AB"))), 1, 1e-9);
  });

  it("OptiDICE loses its optimum in the projection, and independent DICE ends in the worst joint action", async () => {
    const options = { ...exact, alpha: 0.01 };
    for (const name of ["AB_BA", "AA_AB_BA", "all"] as const) {
      assertWithin(value(await factorisedOptiDice(xorDataset(name), options)), -0.01, 0.01);
    }
    assertWithin(value(await independentDice(xorDataset("AA_AB_BA"), options)), -2, -1.9);
    assertNear(value(await independentDice(xorDataset("all"), options)), 0, 1e-6);
    assertNear(value(await independentDice(xorDataset("AB"), options)), 0.9998, 1e-4);
  });
});
