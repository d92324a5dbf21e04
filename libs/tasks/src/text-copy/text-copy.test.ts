import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  readNumbers,
  isLowRank,
  UserError,
  type Params,
  type Task,
  type TrainResult,
} from "@fedclair/core";
import { stream, item } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import { loraModules } from "./shape.js";
import { textCopy } from "./index.js";
import { startOf } from "../../testing/coordinator.js";

const quick = { localSteps: 2, sequences: 8, evaluationSequences: 16 };

async function prepare(options: object): Promise<Task> {
  return await textCopy.create(textCopy.schema.parse(options) as never);
}

function shard(index: number) {
  return { index, count: 10, rng: stream("clients").at(index) };
}

function job(params: Params, round = 1) {
  const root = stream("trial");
  return {
    round,
    phase: "train",
    params,
    rng: root.at("train", round),
    common: root.at(round),
    signal: new AbortController().signal,
  };
}

/** Adds a client's LoRA pairs, multiplied out, to the params. */
function addChange(params: Params, { delta }: TrainResult): Params {
  return new Map(
    [...params].map(([name, { shape, data }]) => {
      const update = delta.get(name);
      assert.ok(update && isLowRank(update));
      const [rows = 0, rank = 0] = update.b.shape;
      const columns = update.a.shape[1] ?? 0;
      const sum = Float32Array.from(data, (value, position) => {
        const row = Math.floor(position / columns);
        for (let j = 0; j < rank; j++) {
          const b = item(readNumbers(update.b), row * rank + j);
          value += b * item(readNumbers(update.a), j * columns + (position % columns));
        }
        return value;
      });
      assert.equal(rows * columns, sum.length);
      return [name, { shape, data: sum }];
    }),
  );
}

describe("text-copy", () => {
  it("answers with one LoRA pair per module, B 48×4 and A 4×48", async () => {
    const task = await prepare(quick);
    const trainer = await task.openShard(shard(0));
    const { delta, numExamples } = await trainer.train(job(await startOf(task, stream(1))));
    assert.deepEqual([...delta.keys()], loraModules);
    for (const update of delta.values()) {
      assert.ok(isLowRank(update));
      assert.deepEqual(
        [update.b.shape, update.a.shape],
        [
          [48, 4],
          [4, 48],
        ],
      );
    }
    assert.equal(numExamples, 8);
  });

  it("gives the same bits regardless of earlier runs, and disposes of all tensors", async () => {
    const task = await prepare({ ...quick, batchSize: 4 });
    const start = await startOf(task, stream(1));
    const first = await (await task.openShard(shard(0))).train(job(start));
    const tensors = tf.memory().numTensors;
    const other = await task.openShard(shard(1));
    await other.train(job(start, 2));
    await other.evaluate?.(start);
    // Two at once, as in a pool that runs jobs concurrently.
    const again = await Promise.all(
      [0, 1].map(async (index) => (await task.openShard(shard(index))).train(job(start))),
    );
    assert.deepEqual(again[0], first);
    assert.notDeepEqual(again[1], first);
    assert.equal(tf.memory().numTensors, tensors);
  });

  it("stops when its job is aborted, and disposes of all tensors", async () => {
    const task = await prepare(quick);
    const start = await startOf(task, stream(1));
    const trainer = await task.openShard(shard(0));
    const tensors = tf.memory().numTensors;
    const late = { ...job(start), signal: AbortSignal.abort() };
    await assert.rejects(trainer.train(late), { name: "AbortError" });
    assert.equal(tf.memory().numTensors, tensors);
  });

  it("trains on contaminated targets, but is evaluated on true ones", async () => {
    const task = await prepare(quick);
    const start = await startOf(task, stream(1));
    const calls: number[] = [];
    const corruptLabels = (labels: Int32Array, classes: number) => {
      calls.push(classes, labels.length);
      return labels.map((label) => (label + 7) % classes);
    };
    const honest = await task.openShard(shard(0));
    const contaminated = await task.openShard({ ...shard(0), corruptLabels });
    assert.deepEqual(calls, [20, 6 * quick.sequences]);
    assert.deepEqual(await contaminated.evaluate?.(start), await honest.evaluate?.(start));
    const results = [await honest.train(job(start)), await contaminated.train(job(start))];
    assert.notDeepEqual(results[0]?.delta, results[1]?.delta);
  });

  // The reference, a separate program in PyTorch with a base of its own, reaches 0.757, 0.850,
  // 0.893 and 0.916 in four rounds.
  it("learns to copy: from below 0.5 to above 0.85 in three rounds", async () => {
    const task = await prepare({});
    const trainer = await task.openShard(shard(0));
    let params = await startOf(task, stream(1));
    const before = await trainer.evaluate?.(params);
    for (const round of [1, 2, 3])
      params = addChange(params, await trainer.train(job(params, round)));
    const after = await trainer.evaluate?.(params);
    assert.ok((before?.metrics["accuracy"] ?? 1) < 0.5);
    assert.ok((after?.metrics["accuracy"] ?? 0) > 0.85, JSON.stringify(after?.metrics));
  });

  it("yields to other work while it trains", async () => {
    const task = await prepare({ ...quick, localSteps: 5 });
    const trainer = await task.openShard(shard(0));
    let turns = 0;
    const count = () => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await trainer.train(job(await startOf(task, stream(1))));
    clearImmediate(immediate);
    assert.ok(turns >= 5);
  });

  it("chooses TensorFlow's library if a step has 512 sequences or more", () => {
    const faster = (options: object) => textCopy.backend?.(textCopy.schema.parse(options) as never);
    assert.equal(faster({ batchSize: 512, sequences: 512 }), "tensorflow");
    assert.equal(faster({ batchSize: 512, sequences: 511 }), "wasm");
    assert.equal(faster({ sequences: 15 }), "wasm");
  });

  it("rejects unknown options, and a rank above the width", () => {
    assert.throws(() => textCopy.schema.parse({ steps: 3 }), /steps/);
    assert.throws(() => textCopy.schema.parse({ rank: 49 }), /rank/);
  });
});

describe("text-copy from a folder", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-texts-"));
    await writeFile(join(folder, "beta.txt"), "It was a dark and stormy night. ".repeat(20));
    await writeFile(join(folder, "alpha.txt"), "Call me Ishmael, some years ago. ".repeat(20));
    await writeFile(join(folder, "notes.md"), "not a client");
  });

  after(() => rm(folder, { recursive: true }));

  it("gives each client one file, in the order of names", async () => {
    const task = await prepare({ ...quick, source: { folder } });
    assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["alpha", "beta"]);
    const trainer = await task.openShard({ ...shard(1), count: 2 });
    const { metrics } = await trainer.train(job(await startOf(task, stream(1))));
    assert.ok(Number.isFinite(metrics["loss"]));
  });

  const check = (source: unknown, clients: number) => {
    textCopy.checkClients?.(clients, textCopy.schema.parse({ source }) as never);
  };

  it("rejects more clients than files, before it reads them", () => {
    check({ folder }, 2);
    assert.throws(
      () => {
        check({ folder }, 3);
      },
      (error) =>
        error instanceof UserError &&
        error.message.includes("serves 2 clients, one a document, but 3"),
    );
    assert.throws(() => {
      check("sotu", 44);
    }, /serves 43 clients/);
  });

  it("reports a folder that cannot be read", () => {
    const missing = { folder: join(folder, "missing") };
    assert.throws(() => {
      check(missing, 1);
    }, /cannot read the folder .*missing/);
  });

  it("stays nearer to where the round started with proximal, from the second step on", async () => {
    const trainWith = async (options: object) => {
      const task = await prepare({ ...quick, ...options });
      const trainer = await task.openShard(shard(0));
      return (await trainer.train(job(await startOf(task, stream(1))))).delta;
    };
    // The first step starts where the pull is zero.
    const once = { localSteps: 1 };
    assert.deepEqual(await trainWith({ ...once, proximal: 5 }), await trainWith(once));
    const distance = async (options: object) => {
      const squares = [...(await trainWith({ localSteps: 8, ...options })).values()].map(
        (update) => {
          assert.ok(isLowRank(update));
          return [...readNumbers(update.b)].reduce((sum, x) => sum + x * x, 0);
        },
      );
      return Math.sqrt(squares.reduce((sum, x) => sum + x, 0));
    };
    assert.ok((await distance({ proximal: 100 })) < 0.8 * (await distance({})));
  });

  it("leaves the factor A as drawn without trainA, the same for all clients", async () => {
    const task = await prepare({ ...quick, trainA: false });
    const params = await startOf(task, stream(1));
    const deltas = await Promise.all(
      [0, 1].map(
        async (index) => (await (await task.openShard(shard(index))).train(job(params))).delta,
      ),
    );
    const factors = deltas.map((delta) => {
      const pair = delta.get("block0.q");
      assert.ok(pair && isLowRank(pair));
      return { a: [...readNumbers(pair.a)], b: [...readNumbers(pair.b)] };
    });
    assert.deepEqual(factors[0]?.a, factors[1]?.a);
    assert.notDeepEqual(factors[0]?.b, factors[1]?.b);
    // A₀ ~ N(0, 1/48), so the mean of the squares is near 1/48.
    const a = factors[0]?.a ?? [];
    const square = a.reduce((sum, x) => sum + x * x, 0) / a.length;
    assert.ok(Math.abs(48 * square - 1) < 0.3, `${square}`);
  });
});
