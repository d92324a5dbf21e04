import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import type { TaskPlugin } from "../contracts/plugin.js";
import { play, prepare, toyPlugins, toyTrial } from "../../testing/index.js";
import type { Params } from "../tensors/tensor.js";
import type { Trial } from "../trial/trial.js";
import { controlFor, nextControls, type ControlVariates } from "./control-variates.js";

const params = (x: number): Params =>
  new Map([["dense", { shape: [2], data: Float64Array.of(x, 0) }]]);
const numberOf = (some: Params | undefined) => some?.get("dense")?.data[0];

const [steps, rate] = [5, 0.1];

/** Client i has the loss aᵢ/2·(x - bᵢ)², with a = 1, 3 and b = 0, 4. Their sum is least at 3. */
const curvature = [1, 3];
const optimum = [0, 4];

const parabolas: TaskPlugin = {
  name: "toy",
  summary: "Each client has a parabola.",
  schema: z.strictObject({}),
  acceptsStale: () => true,
  acceptsControl: () => true,
  create: () => ({
    start: () => Promise.resolve({ params: params(0) }),
    openShard: ({ index }) =>
      Promise.resolve({
        train: ({ params: from, control }) => {
          const start = numberOf(from) ?? NaN;
          let x = start;
          for (let k = 0; k < steps; k++) {
            const gradient = (curvature[index] ?? NaN) * (x - (optimum[index] ?? NaN));
            x -= rate * (gradient + (numberOf(control) ?? 0));
          }
          const metrics: Record<string, number> = control ? { stepSum: steps * rate } : {};
          return Promise.resolve({ numExamples: 1, delta: params(x - start), metrics });
        },
      }),
  }),
};

const plugins = { ...toyPlugins, tasks: new Map([["toy", parabolas]]) };

function trialOf(changes: Partial<Trial> = {}): Trial {
  return toyTrial({ clients: 2, rounds: 60, scaffold: true, evaluate: "never", ...changes });
}

describe("control variates", () => {
  it("are the mean gradients of a client's last steps and of all clients", async () => {
    const update = { numExamples: 1, metrics: { stepSum: 0.5 } };
    const first = await nextControls({ params: params(0) }, 4, [
      { ...update, clientId: "c00", delta: params(-1) },
      { ...update, clientId: "c01", delta: params(3) },
    ]);
    // The gradients were 1/0.5 = 2 and -6; of four clients, two have not taken part.
    assert.equal(numberOf(first.common), (2 - 6) / 4);
    const corrections = (controls: ControlVariates) =>
      ["c00", "c01", "c02"].map((id) => numberOf(controlFor({ params: params(0), controls }, id)));
    assert.deepEqual(corrections(first), [-1 - 2, -1 + 6, -1]);
    // c00 now has c - c_i = -3: with a change of 1 the gradients were -1/0.5 = -2 less that.
    const second = await nextControls({ params: params(0), controls: first }, 4, [
      { ...update, clientId: "c00", delta: params(1) },
    ]);
    assert.equal(numberOf(second.own.get("c00")), -2 + 3);
    assert.equal(numberOf(second.common), -1 + (1 - 2) / 4);
    assert.equal(second.own.get("c01"), first.own.get("c01"));
  });

  it("stay for a client that does not report its steps", async () => {
    const silent = { clientId: "c00", numExamples: 1, delta: params(9), metrics: {} };
    const after = await nextControls({ params: params(0) }, 2, [silent]);
    assert.deepEqual([numberOf(after.common), after.own.size], [0, 0]);
  });

  it("lead to the least loss of all clients, which FedAvg misses", async () => {
    const corrected = await play(trialOf(), plugins);
    assert.ok(Math.abs((numberOf(corrected.state.params) ?? NaN) - 3) < 1e-9);
    const plain = await play(trialOf({ scaffold: false }), plugins);
    assert.ok(Math.abs((numberOf(plain.state.params) ?? NaN) - 3) > 0.1);
    // Twice the bytes are sent: the params and the correction, two numbers each to two clients.
    const [record] = corrected.rounds.map((round) => round.record);
    assert.deepEqual(record?.bytes, { down: 2 * 2 * 16, up: 2 * 16 });
  });

  it("are part of the state: a resumed trial ends with the same bytes", async () => {
    const { rounds, state } = await play(trialOf({ rounds: 4 }), plugins);
    const half = rounds[1]?.state;
    assert.ok(half);
    const from = deserialize(serialize(half)) as typeof half;
    assert.deepEqual((await play(trialOf({ rounds: 4 }), plugins, { from })).state, state);
  });

  it("are rejected before the start where clients cannot correct their steps", () => {
    assert.throws(
      () => prepare(toyTrial({ scaffold: true }), toyPlugins),
      /trial\.yaml: scaffold: clients of task toy cannot correct their steps with these options/,
    );
    const baselines = [
      { label: "b", aggregator: { name: "toy-mean" }, scaffold: true, clients: "all" as const },
    ];
    const mean = toyPlugins.aggregators.get("toy-mean");
    assert.ok(mean);
    const personal = {
      ...mean,
      create: () => ({ ...mean.create({} as never), changesPersonal: true }),
    };
    assert.throws(
      () =>
        prepare(trialOf({ scaffold: false, baselines }), {
          ...plugins,
          aggregators: new Map([["toy-mean", personal]]),
        }),
      /baselines\.0\.scaffold: control variates are for shared params, and aggregator toy-mean changes personal ones/,
    );
    const schedule = { name: "buffered", buffer: 1, discount: 0 } as const;
    const devices = { seconds: { median: 10, sigma: 0.5 }, jitter: 0, available: 1 };
    const stale = new Map([["toy-mean", { ...mean, acceptsStale: true }]]);
    assert.throws(
      () => prepare(trialOf({ schedule, devices }), { ...plugins, aggregators: stale }),
      /scaffold: schedule buffered mixes rounds/,
    );
  });
});
