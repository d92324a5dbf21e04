import assert from "node:assert/strict";
import {
  readNumbers,
  isLowRank,
  type LocalTrainer,
  type Delta,
  type Params,
  type Task,
} from "@fedclair/core";
import { addScaled, Matrix, stream, item, atInt, at } from "@fedclair/linalg";
import { couple } from "./coupling.js";
import { dualStep } from "./dual-step.js";
import { byModule, initialNetwork, inputsOf, moduleNames, values } from "./network.js";
import { pickRows } from "./points.js";
import { roundOf, start, startOf, stepOf } from "@fedclair/tasks/testing";
import { valueDrivenTransport } from "./task.js";

const rng = stream("value-driven-transport");

function create(options: object = {}): Task {
  return valueDrivenTransport.create(valueDrivenTransport.schema.parse(options) as never) as Task;
}

function open(task: Task, index = 0, kind?: string): Promise<LocalTrainer> {
  const shard = { index, count: 8, rng: rng.at("shard", index) };
  const contamination = kind && { kind, options: {}, common: rng.at("colluders") };
  return task.openShard({ ...shard, ...(contamination && { contamination }) });
}

async function train(task: Task, params: Params, round = 1, index = 0): Promise<Delta> {
  const client = await open(task, index);
  const streams = {
    rng: rng.at("job", index, round),
    common: rng.at("common", round),
    signal: new AbortController().signal,
  };
  return (await client.train({ round, phase: "train", params, ...streams })).delta;
}

/** Steps a round in which every update was `delta`. */
async function step(task: Task, params: Params, delta: Delta, round = 1) {
  const roundInput = roundOf({ round, params, updates: [], fixedRng: rng.at("measure") });
  return (await stepOf(task, roundInput, { change: [delta] })).step;
}

describe("a client of value-driven transport", () => {
  it("answers with a gradient, or a change, of every module's shape", async () => {
    for (const mode of ["gradient", "fedavg"]) {
      const task = create({ mode, hidden: 6 });
      const params = await startOf(task, rng);
      const modules = await train(task, params);
      assert.deepEqual([...modules.keys()], [...moduleNames]);
      assert.deepEqual(
        [...modules.values()].map((m) => (isLowRank(m) ? "pair" : m.shape)),
        [
          [3, 6],
          [1, 6],
          [6, 6],
          [1, 6],
          [6, 1],
        ],
      );
      const { ask } = await start(task, rng);
      assert.deepEqual(
        [...(ask?.expects ?? [])],
        [...params].map(([name, { shape }]) => [name, { shape, dtype: "f32" }]),
      );
    }
  });

  it("answers in mode lora with pairs for W1 and W2, whose down all clients draw alike", async () => {
    const task = create({ mode: "lora", baseSteps: 1, localSteps: 2, rank: 2, hidden: 6 });
    const params = await startOf(task, rng);
    const { ask } = await start(task, rng);
    assert.deepEqual([...(ask?.expects ?? []).keys()], ["W1", "W2"]);
    const modules = await train(task, params);
    const pair = modules.get("W2");
    assert.ok(pair && isLowRank(pair));
    assert.deepEqual(
      [pair.b.shape, pair.a.shape],
      [
        [6, 2],
        [2, 6],
      ],
    );
    // Two Adam steps move no entry by more than twice the rate. The rest is the common draw.
    const other = (await train(task, params, 1, 1)).get("W2");
    assert.ok(other && isLowRank(other));
    assert.ok(
      readNumbers(pair.b).every((x, i) => Math.abs(x - item(readNumbers(other.b), i)) < 0.05),
    );
    assert.notDeepEqual(pair, other);
  });

  it("gives the same bytes regardless of earlier runs, and different ones in another round", async () => {
    const task = create();
    const params = await startOf(task, rng);
    const first = await train(task, params, 3);
    await train(task, params, 4);
    assert.deepEqual(await train(create(), await startOf(create(), rng), 3), first);
    assert.notDeepEqual(await train(task, params, 4), first);
  });

  it("measures the distance of generated points from its own, including contaminated ones", async () => {
    const task = create();
    const params = await startOf(task, rng);
    const distance = async (kind?: string) => {
      const client = await open(task, 0, kind);
      return (await client.evaluate?.(params))?.metrics.slicedW2 ?? NaN;
    };
    // The points have radius 2, and the network hardly moves the source.
    assert.ok(Math.abs((await distance()) - 0.6) < 0.3);
    // The mean squared projection of an offset of length s is s²/2.
    assert.ok(Math.abs((await distance("spike")) - 3) < 0.3);
    assert.ok((await distance("heavy")) > 2);
    await assert.rejects(async () => open(task, 0, "novel"), /no contamination 'novel'/);
  });
});

describe("the coordinator of value-driven transport", () => {
  it("takes Adam steps down the aggregate of gradients, the first by the rate for any size", async () => {
    const task = create({ mode: "gradient", learningRate: 0.02, schedule: 2 });
    const params = await startOf(task, rng);
    const { params: next, next: ask } = await step(task, params, await train(task, params));
    const [before, after] = [params.get("W3")?.data ?? [], next?.get("W3")?.data ?? []];
    for (let i = 0; i < 32; i++) {
      const moved = Math.abs(item(after, i) - item(before, i));
      assert.ok(Math.abs(moved - 0.02) < 1e-5, `${moved}`);
    }
    assert.equal(ask, undefined);
    assert.equal((await step(task, next ?? params, await train(task, params), 2)).next, "end");
  });

  it("adds the aggregate of changes, pairs multiplied out", async () => {
    const task = create({ hidden: 2 });
    const params = await startOf(task, rng);
    const pair = {
      b: { shape: [2, 1], data: Float32Array.of(1, 2) },
      a: { shape: [1, 2], data: Float32Array.of(3, -1) },
    };
    const { params: next } = await step(task, params, new Map([["W2", pair]]));
    const change = next?.get("W2")?.data.map((x, i) => x - (params.get("W2")?.data[i] ?? NaN));
    [3, -1, 6, -2].forEach((x, i) => {
      assert.ok(Math.abs(x - (change?.[i] ?? NaN)) < 1e-6);
    });
    assert.deepEqual(next?.get("W1"), params.get("W1"));
  });

  it("measures every few rounds and after the last", async () => {
    const task = create({ measureEvery: 2, schedule: 3, evaluationSamples: 20, localSteps: 1 });
    let params = await startOf(task, rng);
    const hasMeasured: boolean[] = [];
    for (const round of [1, 2, 3]) {
      const result = await step(task, params, await train(task, params, round), round);
      params = result.params ?? params;
      const { metrics, artifacts } = result;
      hasMeasured.push(metrics !== undefined);
      assert.equal(artifacts !== undefined, metrics !== undefined);
    }
    assert.deepEqual(hasMeasured, [false, true, true]);
  });

  it("in mode lora starts from a base that transports to the old modes", async () => {
    const [base, fresh] = [create({ mode: "lora", baseSteps: 200 }), create()];
    const distance = async (task: Task) => {
      const client = await open(task);
      return (await client.evaluate?.(await startOf(task, rng)))?.metrics.slicedW2 ?? NaN;
    };
    const [settled, untrained] = [await distance(base), await distance(fresh)];
    assert.ok(settled < 0.5 * untrained, `${settled}, ${untrained}`);
  });

  it("holds one network for all clients, so it declares sharesParams", () => {
    assert.ok(valueDrivenTransport.sharesParams?.({} as never));
  });
});

describe("averaged gradients", () => {
  it("equal the gradient of the pooled data, up to rounding of float64", () => {
    const network = initialNetwork(3, 32, rng.at("network"));
    const settings = { horizon: 10, lambda0: 1 };
    const sources = new Matrix(128, 2, rng.at("sources").normals(256));
    const targets = new Matrix(48, 2, rng.at("targets").normals(96, 2));
    const v0 = values(network, inputsOf(sources, 0));
    const draws = rng.at("draws");
    const pairs = Int32Array.from({ length: 48 }, () => draws.int(128));
    const times = Float64Array.from({ length: 48 }, () => draws.int(10) / 10);
    const computeGradient = (rows: readonly number[]) => {
      const own = pickRows(targets, rows);
      const batch = {
        sources,
        targets: own,
        coupling: couple(v0, sources, own, 0.1),
        pairs: Int32Array.from(rows, (i) => atInt(pairs, i)),
        times: Float64Array.from(rows, (i) => at(times, i)),
      };
      return dualStep(network, batch, settings).gradient;
    };
    const all = Array.from({ length: 48 }, (_, i) => i);
    const pooled = computeGradient(all);
    const clients = [0, 1, 2].map((k) => computeGradient(all.slice(16 * k, 16 * (k + 1))));
    byModule((name) => {
      const mean = new Matrix(pooled[name].rows, pooled[name].cols);
      for (const gradient of clients) addScaled(mean, 1 / 3, gradient[name]);
      mean.data.forEach((x, i) => {
        assert.ok(Math.abs(x - at(pooled[name].data, i)) < 1e-13);
      });
      return mean;
    });
  });
});

describe("options of value-driven transport", () => {
  it("are rejected with a remedy", () => {
    for (const [options, message] of [
      [{ horizon: 1 }, /at least 2/],
      [{ lambda0: 0 }, /more than 0/],
      [{ target: "moons", split: { modes: 1 } }, /moons has no modes: choose gaussians8/],
      [{ target: "scurve", conditional: true }, /scurve has no modes/],
      [{ split: "uneven" }, /expected iid, \{ dirichlet: alpha \} or \{ modes: k \}/],
      [{ step: 3 }, /step/],
    ] as const) {
      assert.throws(() => create(options), message);
    }
  });
});
