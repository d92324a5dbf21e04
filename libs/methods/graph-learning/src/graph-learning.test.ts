import assert from "node:assert/strict";
import type { Aggregator, Attack, Plugin, Plugins, TaskPlugin, Update } from "@fedclair/core";
import { trialSchema, type RoundDone } from "@fedclair/core/internal";
import { stream, sum } from "@fedclair/linalg";
import { z } from "zod";
import { covarianceDistance, covarianceLowRank } from "./detectors.js";
import { figures } from "./figures.js";
import { graphLearning } from "./task.js";
import { packedLength } from "./packing.js";
import { roundOf, startOf, stepOf } from "@fedclair/tasks/testing";
import { play } from "@fedclair/core/testing";
import { addScaledTo } from "./vectors.js";
import { noClients } from "@fedclair/tasks/testing";

/** Averages by samples, without verdicts. */
const average: Plugin<Aggregator> = {
  name: "average",
  summary: "The plain average.",
  schema: z.strictObject({}),
  create: () => ({ aggregate: ({ updates }) => Promise.resolve({ change: [meanOf(updates)] }) }),
};

function meanOf(updates: readonly Update[]) {
  const total = sum(updates.map(({ numExamples }) => numExamples));
  const mean = new Float64Array(packedLength(20));
  for (const { delta, numExamples } of updates) {
    const module = delta.get("covariance");
    assert.ok(module && "data" in module);
    addScaledTo(mean, numExamples / total, Float64Array.from(module.data));
  }
  return new Map([["covariance", { shape: [mean.length, 1], data: mean }]]);
}

/** Contaminates data in one of the task's ways. */
const contaminatedData: Plugin<Attack> = {
  name: "contaminated-data",
  summary: "Like the plug-in of that name.",
  schema: z.strictObject({ kind: z.string() }),
  create: ({ kind }: { kind: string }) => ({ label: kind, data: { kind, options: {} } }),
};

/** Sends the honest covariance times −1. */
const negate: Plugin<Attack> = {
  name: "negate",
  summary: "No covariance.",
  schema: z.strictObject({}),
  create: () => ({
    corruptUpdate: ({ delta, ...honest }) => {
      const module = delta.get("covariance");
      assert.ok(module && "data" in module);
      const negated = { shape: module.shape, data: module.data.map((x) => -x) };
      return { ...honest, delta: new Map([["covariance", negated]]) };
    },
  }),
};

const byName = <P extends { readonly name: string }>(...plugins: P[]) =>
  new Map(plugins.map((plugin) => [plugin.name, plugin]));

const plugins: Plugins = {
  tasks: byName<TaskPlugin>(graphLearning),
  aggregators: byName(covarianceDistance, covarianceLowRank, average),
  attacks: byName(contaminatedData, negate),
};

interface Setting {
  readonly aggregator?: string;
  readonly attack?: object;
  readonly task?: object;
  readonly benignOnly?: boolean;
}

/** Plays one round of ten clients, three of them contaminated. */
async function playOne(setting: Setting): Promise<RoundDone> {
  const { aggregator = "covariance-distance", attack } = setting;
  const trial = trialSchema(plugins).parse({
    name: "test",
    rounds: 1,
    clients: 10,
    evaluate: "never",
    task: { name: "graph-learning", ...setting.task },
    aggregator: { name: aggregator },
    attacks: attack ? [{ attack, count: 3 }] : [],
  });
  const { rounds } = await play(trial, plugins, { benignOnly: setting.benignOnly ?? false });
  return rounds[0] ?? assert.fail("no round");
}

function flaggedExactly({ record }: RoundDone): boolean {
  return record.clients.every((c) => (c.verdict === "contaminated") === (c.attack !== null));
}

describe("graph-learning with three of ten clients contaminated", () => {
  for (const kind of ["othergraph", "collude", "noise", "permute", "mixnoise"]) {
    it(`${kind}: flags exactly these three, and learns the same graph as from the others only`, async () => {
      const attack = { name: "contaminated-data", kind };
      const robust = await playOne({ attack });
      assert.ok(flaggedExactly(robust));
      const lowRank = await playOne({ attack, aggregator: "covariance-low-rank" });
      // Added noise keeps most of a covariance on the line that all clients share, so the score is
      // hardly above the threshold.
      assert.ok(kind === "mixnoise" || flaggedExactly(lowRank));
      const naive = await playOne({ attack, aggregator: "average" });
      const oracle = await playOne({ attack, aggregator: "average", benignOnly: true });
      const f = ({ record }: RoundDone) => record.metrics.f ?? NaN;
      assert.ok(f(robust) >= 0.95 && f(robust) >= f(oracle) - 0.03, String(f(robust)));
      assert.ok(f(naive) <= 0.8, String(f(naive)));
    });
  }

  it("scale: is neutralised instead of flagged, because every covariance is scaled to unit trace", async () => {
    const honest = await playOne({});
    const scaled = await playOne({ attack: { name: "contaminated-data", kind: "scale" } });
    assert.ok(scaled.record.clients.every(({ verdict }) => verdict === "benign"));
    assert.ok(Math.abs((scaled.record.metrics.f ?? NaN) - (honest.record.metrics.f ?? NaN)) < 1e-9);
  });

  it("reports a client that sends no covariance as invalid, and leaves it out of every arm", async () => {
    for (const aggregator of ["covariance-distance", "average"]) {
      const { record } = await playOne({ attack: { name: "negate" }, aggregator });
      const invalid = record.clients.filter(({ verdict }) => verdict === "invalid");
      assert.deepEqual(
        invalid.map(({ attack, score, threshold }) => [attack, score, threshold]),
        Array(3).fill(["negate", null, null]),
      );
      assert.equal(record.metrics.kept, 7);
      assert.ok((record.metrics.f ?? NaN) >= 0.95);
    }
  });

  it("labels a round without admitted clients, and keeps the previous graph", async () => {
    const task = await graphLearning.create(graphLearning.schema.parse({}) as never);
    const params = await startOf(task, stream(1));
    const update: Update = {
      clientId: "c00",
      numExamples: 9,
      delta: new Map([["covariance", { shape: [210], data: new Float64Array(210) }]]),
      metrics: {},
    };
    const { shown, step } = await stepOf(task, roundOf({ updates: [update], params }));
    assert.deepEqual(shown, []);
    assert.equal(step.params, params);
    assert.deepEqual(step.artifacts, { learned: { outcome: "no client kept" } });
    assert.deepEqual(step.metrics, { kept: 0, solved: 0 });
  });
});

describe("graph-learning", () => {
  it("broadcasts weights and degrees, with a certificate", async () => {
    const { state, record } = await playOne({});
    const [graph, degrees] = [state.params.get("graph"), state.params.get("degrees")];
    assert.deepEqual([graph?.shape, degrees?.shape], [[190], [20]]);
    assert.ok(Math.abs(2 * sum(graph?.data ?? []) - sum(degrees?.data ?? [])) < 1e-9);
    assert.equal(record.metrics.solved, 1);
    assert.ok((record.metrics.certifiedGap ?? NaN) <= 1e-4);
    assert.deepEqual(record.bytes, { down: 10 * 8 * 210, up: 10 * 8 * 210 });
  });

  it("repeats bit for bit", async () => {
    const attack = { name: "contaminated-data", kind: "othergraph" };
    const [first, again] = [await playOne({ attack }), await playOne({ attack })];
    assert.deepEqual(again.record, first.record);
    assert.deepEqual(again.state.params, first.state.params);
  });

  it("rspect: is INFEASIBLE at a δ for which rLogSpecT learns the graph", async () => {
    const { record, artifacts, state } = await playOne({ task: { model: "rspect", c0: 1e-3 } });
    assert.deepEqual(artifacts.learned, { outcome: "INFEASIBLE" });
    assert.equal(record.metrics.rspectFeasible, 0);
    assert.equal(record.metrics.f, undefined);
    assert.equal(sum(state.params.get("graph")?.data ?? []), 0);
    assert.ok(((await playOne({ task: { c0: 1e-3 } })).record.metrics.f ?? NaN) >= 0.95);
  });

  it("rspect: learns a graph from a δ that is large enough", async () => {
    const { artifacts } = await playOne({ task: { model: "rspect", c0: 0.05, tolerance: 1e-3 } });
    assert.equal((artifacts.learned as { outcome: string }).outcome, "solved");
  });

  it("unconverged: is labelled", async () => {
    const { record, artifacts } = await playOne({ task: { maxIterations: 10 } });
    assert.equal((artifacts.learned as { outcome: string }).outcome, "unconverged");
    assert.equal(record.metrics.solved, 0);
  });

  it("reports invalid options", () => {
    const invalidOptions: [object, RegExp][] = [
      [{ nodes: 1 }, /nodes/],
      [{ samplesMin: 500 }, /expected at least samplesMin = 500, got 399/],
      [
        { graph: { model: "barabasi-albert", attachments: 20 } },
        /expected below nodes = 20, got 20/,
      ],
      [{ c0: 0 }, /c0/],
      [{ treshold: 0.3 }, /treshold/],
    ];
    for (const [options, message] of invalidOptions) {
      assert.throws(() => graphLearning.schema.parse(options), message);
    }
  });

  it("draws the true graph next to the learned ones, labels unsolved ones, and plots F over thresholds", async () => {
    const { artifacts } = await playOne({});
    const artifact = (arm: string, value: unknown) => ({ arm, round: 1, name: "learned", value });
    const drawn = figures({
      task: { name: "graph-learning" },
      arms: [
        { label: "robust", colour: "#0072b2" },
        { label: "naive", colour: "#d55e00" },
      ],
      artifacts: [
        artifact("robust", artifacts.learned),
        artifact("naive", { outcome: "INFEASIBLE" }),
      ],
      clients: noClients,
      width: 860,
    });
    assert.deepEqual(
      drawn.map(({ name }) => name),
      ["graphs", "weights", "f-over-threshold"],
    );
    const { concat } = drawn[0]?.spec as { concat: { title: string }[] };
    assert.deepEqual(
      concat.map(({ title }) => title),
      ["true graph", "robust · F 1.00", "naive · INFEASIBLE"],
    );
  });
});
