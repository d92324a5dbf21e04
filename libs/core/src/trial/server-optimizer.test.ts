import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { stream } from "@fedclair/linalg";
import type { Aggregator } from "../contracts/aggregator.js";
import { play, prepare, toyPlugins, toyTrial } from "../../testing/index.js";
import type { Delta } from "../tensors/update.js";
import { serverOptimizerSchema, withServerOptimizer } from "./server-optimizer.js";

const one = (x: number): Delta => new Map([["m", { shape: [1], data: Float64Array.of(x) }]]);

/** An aggregator whose change is the given one in each round; undefined stands for no change. */
function scripted(deltas: readonly (number | undefined)[]): Aggregator {
  return {
    aggregate: ({ round }, state) => {
      const delta = deltas[round - 1];
      assert.equal(state, round === 1 ? undefined : round - 1);
      return Promise.resolve({ change: delta === undefined ? [] : [one(delta)], state: round });
    },
  };
}

/** Returns the changes that the optimiser makes of the aggregator's, one number per round. */
async function changesOf(
  options: object,
  deltas: readonly (number | undefined)[],
): Promise<number[]> {
  const optimizer = serverOptimizerSchema.parse(options);
  const changes: number[] = [];
  let state: unknown;
  for (const round of deltas.keys()) {
    // A new instance and a stored state, as after a resume.
    const wrapped: Aggregator = withServerOptimizer(scripted(deltas), optimizer);
    const stored: unknown = state === undefined ? undefined : deserialize(serialize(state));
    const input = { round: round + 1, phase: "train", updates: [], rng: stream(1) };
    const aggregation = await wrapped.aggregate(input, stored);
    state = aggregation.state;
    const change = aggregation.change[0]?.get("m");
    assert.ok(change && "data" in change);
    changes.push(change.data[0] ?? NaN);
  }
  return changes;
}

describe("a server optimiser", () => {
  const close = (got: readonly number[], expected: readonly number[]) => {
    assert.equal(got.length, expected.length);
    expected.forEach((x, i) => {
      assert.ok(Math.abs((got[i] ?? NaN) - x) < 1e-15, got.join(" "));
    });
  };

  it("fedavgm adds up changes, which fade, also in a round without one", async () => {
    const options = { name: "fedavgm", momentum: 0.5, learningRate: 2 };
    close(await changesOf(options, [1, 1, undefined]), [2, 3, 1.5]);
  });

  it("fedadam divides the first moment by the root of the second", async () => {
    const options = { name: "fedadam", learningRate: 2, beta1: 0.5, beta2: 0.5, tau: 1 };
    // m: 1.5, 0.75; v from 1: 5, 2.5
    close(await changesOf(options, [3, 0]), [3 / (Math.sqrt(5) + 1), 1.5 / (Math.sqrt(2.5) + 1)]);
  });

  it("fedyogi lets the second moment fall by no more than the square of the change", async () => {
    const options = { name: "fedyogi", learningRate: 2, beta1: 0.5, beta2: 0.5, tau: 1 };
    // m: 1.5, 1.25; v from 1: 1 + 4.5, 5.5 - 0.5
    close(await changesOf(options, [3, 1]), [3 / (Math.sqrt(5.5) + 1), 2.5 / (Math.sqrt(5) + 1)]);
  });

  it("adds terms and multiplies pairs out", async () => {
    const pair = {
      b: { shape: [2, 1], data: Float64Array.of(1, 2) },
      a: { shape: [1, 2], data: Float64Array.of(3, 4) },
    };
    const dense = { shape: [2, 2], data: Float64Array.of(1, 1, 1, 1) };
    const aggregator: Aggregator = {
      aggregate: () =>
        Promise.resolve({ change: [new Map([["m", pair]]), new Map([["m", dense]])] }),
    };
    const wrapped = withServerOptimizer(aggregator, {
      name: "fedavgm",
      momentum: 0,
      learningRate: 1,
    });
    const input = { round: 1, phase: "train", updates: [], rng: stream(1) };
    const { change } = await wrapped.aggregate(input);
    assert.deepEqual(change, [
      new Map([["m", { shape: [2, 2], data: Float64Array.of(4, 5, 7, 9) }]]),
    ]);
  });

  it("acts in its own arm of a trial, and gives the same bytes after a resume", async () => {
    const trial = toyTrial({ rounds: 4, serverOptimizer: { name: "fedavgm" } });
    const { rounds, state } = await play(trial, toyPlugins);
    const half = rounds[1]?.state;
    assert.ok(half);
    const resumed = await play(trial, toyPlugins, {
      from: deserialize(serialize(half)) as typeof half,
    });
    assert.deepEqual(resumed.state, state);
    const plain = await play(toyTrial({ rounds: 4 }), toyPlugins);
    assert.deepEqual(rounds[0]?.state.params, plain.rounds[0]?.state.params);
    assert.notDeepEqual(state.params, plain.state.params);
  });

  it("is rejected before the start for personal changes and for tasks with params of their own", () => {
    const { tasks, aggregators } = toyPlugins;
    const [task, mean] = [tasks.get("toy"), aggregators.get("toy-mean")];
    assert.ok(task && mean);
    const trial = toyTrial({
      baselines: [
        { label: "adam", aggregator: { name: "toy-mean" }, serverOptimizer: { name: "fedadam" } },
      ],
    });
    const personal = {
      ...mean,
      create: () => ({ ...mean.create({} as never), changesPersonal: true }),
    };
    assert.throws(
      () => prepare(trial, { ...toyPlugins, aggregators: new Map([["toy-mean", personal]]) }),
      /baselines\.0\.serverOptimizer: fedadam acts on shared params, and aggregator toy-mean changes personal ones/,
    );
    const own = { ...task, acceptsStale: () => false };
    assert.throws(
      () => prepare(trial, { ...toyPlugins, tasks: new Map([["toy", own]]) }),
      /fedadam acts on changes of the params, and task toy computes its params by itself; leave it out/,
    );
  });

  it("throws if an aggregator changes personal params all the same", async () => {
    const aggregator: Aggregator = {
      aggregate: () => Promise.resolve({ change: [], personal: new Map([["c00", [one(1)]]]) }),
    };
    const wrapped = withServerOptimizer(
      aggregator,
      serverOptimizerSchema.parse({ name: "fedavgm" }),
    );
    await assert.rejects(
      wrapped.aggregate({ round: 1, phase: "train", updates: [], rng: stream(1) }),
      /serverOptimizer: fedavgm only acts on shared params/,
    );
  });
});
