import assert from "node:assert/strict";
import { anneal } from "./alternate.js";
import { behaviourCloning, factorisedOptiDice, independentDice } from "./baselines.js";
import { bridgeCellAt, bridgeGoal, bridgeStart, bridgeStep, type CellPair } from "./bridge.js";
import { bridgeEpisodes, bridgeTransitions } from "./bridge-data.js";
import { bestBridgeReturn, evaluateBridge } from "./bridge-evaluation.js";
import { Mulberry32 } from "@fedclair/tasks/shared";
import { nashGap, objective } from "./objective.js";
import {
  assertNear,
  assertWithin,
  bridgeDataset,
  exact,
  policiesOf,
  turnsOf,
} from "../testing/datasets.js";

const [stay, , down, right, left] = [0, 1, 2, 3, 4] as const;
const at = (...cells: readonly [number, number][]): CellPair => {
  const [first = -1, second = -1] = cells.map(([row, column]) => bridgeCellAt(row, column));
  return [first, second];
};

const optimal = bridgeDataset(0, 500);
const mix = bridgeDataset(500, 500);
const returnOf = (policies: Parameters<typeof evaluateBridge>[0]) =>
  evaluateBridge(policies, 20).ret;

describe("the rules of Bridge", () => {
  it("lets an agent follow into a cell that the other leaves", () => {
    assert.deepEqual(bridgeStep(bridgeStart, [right, right]).next, at([1, 3], [1, 4]));
  });

  it("blocks both agents in a head-on swap", () => {
    assert.deepEqual(bridgeStep(bridgeStart, [right, left]).next, bridgeStart);
  });

  it("never blocks agent 0 on its way into its own goal", () => {
    const before = at([1, 5], [2, 5]);
    assert.deepEqual(bridgeStep(before, [down, stay]).next, at([2, 5], [2, 5]));
    assert.equal(bridgeStep(before, [down, stay]).next[0], bridgeGoal[0]);
  });

  it("pays nothing once both agents are at their goals", () => {
    assert.deepEqual(bridgeStep(at([2, 5], [0, 1]), [stay, left]), {
      next: bridgeGoal,
      reward: 0,
      over: true,
    });
  });
});

describe("the data of Bridge", () => {
  it("has optimal episodes of eight steps with returns between -1.2904 and -1.2355", () => {
    for (const { actions, rewards, goal } of bridgeEpisodes(0, 200, new Mulberry32(3))) {
      assert.ok(goal);
      assert.equal(actions.length, 8);
      assertWithin(
        rewards.reduce((total, r) => total + r, 0),
        -1.29041,
        -1.23545,
      );
    }
  });

  it("fills finished episodes up to 20 steps and cuts the others there", () => {
    const rng = new Mulberry32(7);
    assert.equal(bridgeTransitions(bridgeEpisodes(0, 3, rng)).length, 60);
    assert.equal(bridgeTransitions(bridgeEpisodes(2, 0, rng)).length, 40);
  });
});

describe("AlberDICE on Bridge", () => {
  it("has a best return of -1.2354526 for either limit", () => {
    assertNear(bestBridgeReturn(20), -1.2354525995574737, 1e-9);
    assertNear(bestBridgeReturn(50), -1.2354525995574737, 1e-9);
  });

  // A start takes two seconds with mixed data; the paper's page has five.
  for (const [name, data, seeds] of [
    ["optimal", optimal, [1, 2, 3, 4, 5]],
    ["mix", mix, [1, 2]],
  ] as const) {
    it(`reaches the best return from ${name} data, where no single agent could gain`, async () => {
      for (const seed of seeds) {
        const policies = await policiesOf(data, anneal(5, 0.001, 10), seed);
        const { ret, success, exploitability } = evaluateBridge(policies, 20);
        assertWithin(ret, -1.236, -1.2354);
        assertWithin(success, 0.999, 1 + 1e-9);
        assertWithin(exploitability, 0, 0.005);
      }
    });
  }

  it("beats the baselines", async () => {
    assertNear(returnOf(behaviourCloning(optimal)), -3.285, 0.005);
    assertNear(returnOf(behaviourCloning(mix)), -5.917, 0.005);
    for (const alpha of [0.1, 0.01, 0.001]) {
      const options = { ...exact, alpha };
      assertWithin(returnOf(await factorisedOptiDice(optimal, options)), -3.3, -3.0);
    }
    assertNear(returnOf(await independentDice(optimal, { ...exact, alpha: 0.001 })), -7.41, 0.005);
    assertNear(returnOf(await independentDice(mix, { ...exact, alpha: 0.01 })), -6.01, 0.005);
  });
});

describe("the solver on Bridge", () => {
  for (const alpha of [1, 0.1, 0.02]) {
    it(`raises J in every step at alpha ${alpha}, up to the dual's value`, async () => {
      let before = -Infinity;
      for (const { response, policies } of await turnsOf(
        mix,
        new Array<number>(10).fill(alpha),
        1,
      )) {
        const { value } = objective(mix, policies, { alpha, gamma: exact.gamma });
        assertWithin(value, before - 1e-9, Infinity);
        assertNear(response.value, value, 1e-8);
        assertWithin(response.residual, 0, 1e-8);
        before = value;
      }
    });
  }

  it("ends in a Nash policy", async () => {
    const options = { ...exact, alpha: 0.1 };
    const policies = await policiesOf(optimal, new Array<number>(40).fill(options.alpha), 1);
    assertWithin(await nashGap(optimal, policies, options), -1e-9, 1e-6);
  });

  it("repeats bit for bit", async () => {
    const alphas = anneal(5, 0.1, 3);
    assert.deepEqual(await policiesOf(optimal, alphas, 3), await policiesOf(optimal, alphas, 3));
  });
});
