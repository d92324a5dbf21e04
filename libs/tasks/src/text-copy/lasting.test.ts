import assert from "node:assert/strict";
import {
  isLowRank,
  readNumbers,
  UserError,
  type Aggregation,
  type Delta,
  type Dense,
  type Params,
  type Update,
} from "@fedclair/core";
import { item, stream } from "@fedclair/linalg";
import { roundOf, start, startOf, stepOf } from "../../testing/coordinator.js";
import { textCopy } from "./index.js";
import { loraModules, width } from "./shape.js";

const quick = { localSteps: 2, sequences: 8, evaluationSequences: 16, rank: 2 };

function create(options: object = {}) {
  return textCopy.create(
    textCopy.schema.parse({ ...quick, adapters: "lasting", ...options }) as never,
  );
}

async function openClient(options: object = {}, index = 0) {
  const task = await create(options);
  const shard = { index, count: 10, rng: stream("clients").at(index) };
  return { task, trainer: await task.openShard(shard) };
}

function job(params: Params, common = stream("round")) {
  const { signal } = new AbortController();
  return { round: 1, phase: "train", params, rng: stream("own"), common, signal };
}

/** Adapters of one number in each factor, of every module. */
function adapters(b: number, a: number, rank = 2): Delta {
  const filled = (shape: number[], value: number) => ({
    shape,
    data: new Float64Array((shape[0] ?? 0) * (shape[1] ?? 0)).fill(value),
  });
  const pair = { b: filled([width, rank], b), a: filled([rank, width], a) };
  return new Map(loraModules.map((name) => [name, pair]));
}

/** An answer as params. */
function toParams(delta: Delta): Params {
  return new Map(
    [...delta].flatMap(([name, change]): [string, Dense][] => {
      assert.ok(isLowRank(change));
      const { b, a } = change;
      return [
        [`${name}.B`, { shape: b.shape, data: readNumbers(b) }],
        [`${name}.A`, { shape: a.shape, data: readNumbers(a) }],
      ];
    }),
  );
}

const update = (clientId: string, delta: Delta): Update => ({
  clientId,
  numExamples: 8,
  delta,
  metrics: {},
});

describe("text-copy with lasting adapters", () => {
  it("has the factors as params, and starts the first round like a round of fresh ones", async () => {
    const { task, trainer } = await openClient();
    const rng = stream("first");
    const { params, ask } = await start(task, rng);
    assert.ok(params !== "client");
    assert.equal(params.size, 16);
    assert.deepEqual(params.get("block1.o.B")?.shape, [48, 2]);
    assert.deepEqual(params.get("block1.o.A")?.shape, [2, 48]);
    assert.deepEqual([...(ask?.expects?.keys() ?? [])], loraModules);
    const fresh = await openClient({ adapters: "fresh" });
    const zero = await startOf(fresh.task, rng);
    assert.deepEqual(await trainer.train(job(params)), await fresh.trainer.train(job(zero, rng)));
  });

  it("is measured like the base plus B·A", async () => {
    const [lasting, fresh] = [await openClient(), await openClient({ adapters: "fresh" })];
    const sum = new Map(
      loraModules.map((name) => [
        name,
        { shape: [width, width], data: new Float32Array(width * width).fill(2 * 0.5 * 0.25) },
      ]),
    );
    assert.deepEqual(
      await lasting.trainer.evaluate?.(toParams(adapters(0.5, 0.25))),
      await fresh.trainer.evaluate?.(sum),
    );
  });

  it("goes on from the adapters of the params, alone and in a group to the same bits", async () => {
    const { task, trainer } = await openClient({ trainA: false });
    const other = (await openClient({ trainA: false }, 1)).trainer;
    const params = toParams((await trainer.train(job(await startOf(task, stream(1))))).delta);
    const next = await trainer.train(job(params));
    assert.deepEqual(toParams(next.delta).get("block0.q.A"), params.get("block0.q.A"));
    const distance = (key: string) => {
      const [from, to] = [params.get(key)?.data, toParams(next.delta).get(key)?.data];
      return Math.max(
        ...(to ?? []).map((x: number, i: number) => Math.abs(x - item(from ?? [], i))),
      );
    };
    // Two steps of Adam move a number by at most about twice the rate.
    assert.ok(distance("block0.q.B") > 0 && distance("block0.q.B") < 0.021);
    const group = await task.trainCohort?.train(
      [other, trainer],
      [job(await startOf(task, stream(2))), job(params)],
    );
    assert.deepEqual(group?.[1], next);
  });

  it("is pulled by proximal to the adapters with which the round started", async () => {
    const far = toParams(adapters(0.3, 0.2));
    const moved = async (options: object) => {
      const { trainer } = await openClient({ localSteps: 8, ...options });
      const { data } =
        toParams((await trainer.train(job(far))).delta).get("block0.v.B") ?? assert.fail();
      return Math.hypot(...data.map((x: number) => x - 0.3));
    };
    assert.ok((await moved({ proximal: 100 })) < 0.8 * (await moved({})));
  });

  it("replaces the adapters of everyone, or of each client, by the aggregator's", async () => {
    const { task } = await openClient();
    const params = await startOf(task, stream(1));
    const updates = [update("c00", adapters(1, 2)), update("c01", adapters(3, 4))];
    const step = async (aggregation: Aggregation) =>
      (await stepOf(task, roundOf({ params, updates }), aggregation)).step;
    const shared = await step({ change: [adapters(2, 3)] });
    assert.deepEqual(shared.params, toFloat32(toParams(adapters(2, 3))));
    assert.equal(shared.personal?.size, 0);
    assert.equal(shared.verdicts, undefined);
    const own = await step({ change: [], personal: new Map([["c01", [adapters(3, 3)]]]) });
    assert.deepEqual(own.params, params);
    assert.deepEqual(own.personal, new Map([["c01", toFloat32(toParams(adapters(3, 3)))]]));
  });

  it("refuses an aggregator that makes something else of adapters, and says which do", async () => {
    const { task } = await openClient();
    const updates = [update("c00", adapters(1, 2))];
    const dense = new Map(
      loraModules.map((name) => [name, { shape: [48, 48], data: new Float64Array(2304) }]),
    );
    for (const [change, what] of [
      [[adapters(1, 1, 16)], /changes block0\.q by a product of rank 16: choose fedit,/],
      [[dense], /by a dense matrix/],
      [[adapters(1, 1), adapters(1, 1)], /by a sum of 2 terms/],
      [[new Map()], /by nothing/],
    ] as const) {
      await assert.rejects(
        stepOf(task, roundOf({ updates }), { change }),
        (error) => error instanceof UserError && what.test(error.message),
      );
    }
  });

  it("leaves out a client that sends something else than adapters of its rank", async () => {
    const { task } = await openClient();
    const updates = [update("c00", adapters(1, 2)), update("c01", adapters(1, 2, 3))];
    const { step, shown } = await stepOf(task, roundOf({ updates }));
    assert.deepEqual(
      shown?.map(({ clientId }) => clientId),
      ["c00"],
    );
    assert.deepEqual(
      step.verdicts?.map(({ clientId, status, reason }) => [clientId, status, reason]),
      [["c01", "invalid", "it sent something else than adapters of rank 2"]],
    );
  });

  it("accepts no changes of earlier rounds", () => {
    const accepts = (options: object) =>
      textCopy.acceptsStale?.(textCopy.schema.parse(options) as never);
    assert.equal(accepts({ adapters: "lasting" }), false);
    assert.equal(accepts({}), true);
  });
});

function toFloat32(params: Params): Params {
  return new Map(
    [...params].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
}
