import assert from "node:assert/strict";
import { stream, item, at } from "@fedclair/linalg";
import { alberdice } from "./task.js";
import { alternate, anneal } from "./alternate.js";
import { createPlayArtifact } from "./artifacts.js";
import { countTransitions, jointIndex } from "./dataset.js";
import { environmentOf } from "./environment.js";
import {
  matrixNashGap,
  matrixShape,
  oneOf,
  xorPayoff,
  matrixValue,
  repeatJointAction,
  type Payoff,
} from "./matrix-game.js";
import { compressSamples } from "./network/samples.js";
import { cloneData, takeTurn } from "./network/train.js";
import { initialNetworks, computePolicies } from "./network/networks.js";
import { nashGap } from "./objective.js";
import { schema } from "./options.js";
import type { Policy } from "./policy.js";
import { assertNear, assertWithin } from "../testing/datasets.js";
import { loadBackend } from "@fedclair/compute";
import { noClients } from "@fedclair/tasks/testing";

/** Exactly one of three agents has to play B. */
const oneB = [
  [
    [0, 1],
    [1, -2],
  ],
  [
    [1, -2],
    [-2, -3],
  ],
] as const satisfies Payoff;
const modes = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
/** Three agents with 2, 3 and 2 actions, with different payoffs. */
const uneven: Payoff = [
  [
    [0.1, 0.9],
    [-1, 0.4],
    [0.3, 1.2],
  ],
  [
    [0.8, -0.6],
    [0.2, 1.1],
    [-0.4, 0.7],
  ],
];
const policies: readonly Policy[] = [
  [Float64Array.of(0.3, 0.7)],
  [Float64Array.of(0.2, 0.5, 0.3)],
  [Float64Array.of(0.6, 0.4)],
];

/** The sum of a value over all joint actions of `uneven`, written out. */
function total(value: (a: number, b: number, c: number) => number): number {
  let result = 0;
  for (let a = 0; a < 2; a++)
    for (let b = 0; b < 3; b++) for (let c = 0; c < 2; c++) result += value(a, b, c);
  return result;
}
const reward = (a: number, b: number, c: number) =>
  item(item(item(uneven as readonly (readonly (readonly number[])[])[], a), b), c);
const p = (agent: number, action: number) => at(item(item(policies, agent), 0), action);

describe("a matrix game of three agents", () => {
  it("has the value and Nash gap that enumeration gives", () => {
    const value = total((a, b, c) => p(0, a) * p(1, b) * p(2, c) * reward(a, b, c));
    assertNear(matrixValue(uneven, policies), value, 1e-15);
    const deviations = [
      ...[0, 1].map((own) =>
        total((a, b, c) => (a === own ? p(1, b) * p(2, c) * reward(a, b, c) : 0)),
      ),
      ...[0, 1, 2].map((own) =>
        total((a, b, c) => (b === own ? p(0, a) * p(2, c) * reward(a, b, c) : 0)),
      ),
      ...[0, 1].map((own) =>
        total((a, b, c) => (c === own ? p(0, a) * p(1, b) * reward(a, b, c) : 0)),
      ),
    ];
    assertNear(matrixNashGap(uneven, policies), Math.max(...deviations) - value, 1e-15);
    assert.deepEqual(matrixShape(uneven), { states: 1, actions: [2, 3, 2] });
  });

  it("alternates like the closed form of a one-state game and ends where no single agent can gain", async () => {
    // π_i(a_i) ∝ exp Σ π_j π_k (r/α + ln d), written for three agents, independently of the solver.
    const counts = (a: number, b: number, c: number) => 1 + ((5 * a + 3 * b + 2 * c) % 4);
    const transitions = [0, 1].flatMap((a) =>
      [0, 1, 2].flatMap((b) =>
        [0, 1].flatMap((c) => repeatJointAction(uneven, [a, b, c], counts(a, b, c))),
      ),
    );
    const eps = 0.01;
    const alpha = 0.4;
    const all = total(counts);
    const target = (a: number, b: number, c: number) =>
      reward(a, b, c) / alpha + Math.log((1 - eps) * (counts(a, b, c) / all) + eps / 12);
    const pi = policies.map((policy) => Array.from(policy[0] ?? []));
    const chance = (agent: number, action: number) => item(item(pi, agent), action);
    const expected: number[][] = [];
    for (let turn = 0; turn < 300; turn++) {
      const agent = turn % 3;
      const logits = (pi[agent] ?? []).map((_, own) =>
        total((a, b, c) => {
          if ([a, b, c][agent] !== own) return 0;
          const others = [chance(0, a), chance(1, b), chance(2, c)].reduce(
            (product, x, j) => (j === agent ? product : product * x),
            1,
          );
          return others * target(a, b, c);
        }),
      );
      const weights = logits.map((x) => Math.exp(x));
      const sum = weights.reduce((s, w) => s + w, 0);
      pi[agent] = weights.map((w) => w / sum);
      expected.push(pi[agent]);
    }
    const data = countTransitions(transitions, matrixShape(uneven), eps);
    const options = { gamma: 0.99, tolerance: 1e-12, standstill: 0 };
    let turn = 0;
    let last = policies;
    for await (const { agent, response, policies: now } of alternate(
      data,
      policies,
      new Array<number>(100).fill(alpha),
      options,
    )) {
      assert.equal(agent, turn % 3);
      response.policy[0]?.forEach((x, action) => {
        assertNear(x, item(item(expected, turn), action), 1e-10);
      });
      turn++;
      last = now;
    }
    assert.equal(turn, 300);
    assertWithin(await nashGap(data, last, { ...options, alpha }), -1e-12, 1e-8);
  });

  it("is drawn with one column per joint action of the others", async () => {
    const environment = environmentOf(
      schema.parse({ environment: { name: "matrix", payoff: uneven, data: [[0, 0, 0]] } }),
    );
    const play = createPlayArtifact(environment, policies);
    assert.deepEqual(play.others, [3, 2]);
    assert.deepEqual(
      play.joint.map(({ length }) => length),
      [6, 6],
    );
    const index = jointIndex([1, 2, 0], environment.shape);
    assertNear(play.joint[1]?.[index - 6], p(0, 1) * p(1, 2) * p(2, 0), 5e-5);
    const [figure] =
      (await alberdice.figures?.({
        task: { name: "alberdice", environment: { name: "matrix" } },
        artifacts: [{ arm: "clair", round: 1, name: "play", value: play }],
        arms: [{ label: "clair", colour: "#0072b2" }],
        clients: noClients,
        width: 860,
      })) ?? [];
    const spec = JSON.stringify(figure?.spec);
    assert.match(spec, /"agents 1 to 2"/);
    assert.match(spec, /\{"first":"B","second":"CA","p":0.126\}/);
    // With two agents, the heat map stays square and the artifact has no `others`.
    const xor = environmentOf(schema.parse({ environment: { name: "matrix" } }));
    assert.equal(
      "others" in createPlayArtifact(xor, [[Float64Array.of(1, 0)], [Float64Array.of(0, 1)]]),
      false,
    );
  });

  it("may be the one in which exactly one agent should play B", () => {
    const { environment } = schema.parse({ environment: { name: "one-of", agents: 3 } });
    assert.deepEqual(environment, { name: "matrix", payoff: oneB, data: modes, samples: 40 });
    const { payoff } = oneOf(2);
    assert.deepEqual(payoff, xorPayoff);
  });

  it("is rejected if lists are ragged or joint actions do not fit", () => {
    const assertRejects = (environment: object, message: RegExp) => {
      assert.throws(
        () => schema.parse({ environment: { name: "matrix", ...environment } }),
        message,
      );
    };
    assertRejects(
      {
        payoff: [
          [
            [1, 2],
            [3, 4],
          ],
          [[1, 2], [3]],
        ],
      },
      /expected 2 entries, as in row 0, 0, got 1/,
    );
    assertRejects(
      {
        payoff: [
          [[1], [2]],
          [3, 4],
        ],
      },
      /expected 1 entries, as in row 0, 0, got no list/,
    );
    assertRejects({ payoff: [1, 2] }, /a level an agent, of two agents or more/);
    assertRejects({ payoff: [[1, "two"]] }, /expected a number, got .*two/);
    assertRejects({ payoff: [[], []] }, /expected at least one action/);
    assertRejects({ payoff: oneB, data: [[0, 1]] }, /expected 3 actions, one an agent, got 2/);
    assertRejects(
      { payoff: oneB, data: [[0, 1, 2]] },
      /expected actions below 2, 2 and 2, got 0, 1 and 2/,
    );
  });
});

describe("networks of three agents", () => {
  it("settle on one of three best joint actions", async () => {
    await loadBackend();
    const game = environmentOf(
      schema.parse({ environment: { name: "matrix", payoff: oneB, data: modes } }),
    );
    const samples = compressSamples(
      modes.flatMap((actions) => repeatJointAction(oneB, actions, 20)),
    );
    const settings = { hidden: 16, learningRate: 1e-2, steps: 200, gamma: 0.99 };
    let networks = initialNetworks(game, settings.hidden, stream(1));
    for (const agent of [0, 1, 2]) {
      networks = new Map([
        ...networks,
        ...(await cloneData(game, samples, networks, agent, settings)),
      ]);
    }
    for (const alpha of anneal(1, 0.02, 30, 0.6)) {
      for (const agent of [0, 1, 2]) {
        const turn = { ...settings, steps: 20, alpha };
        networks = new Map([
          ...networks,
          ...(await takeTurn(game, samples, networks, agent, turn)),
        ]);
      }
    }
    assertWithin(matrixValue(oneB, computePolicies(game, networks, settings.hidden)), 0.98, 1);
  });
});
