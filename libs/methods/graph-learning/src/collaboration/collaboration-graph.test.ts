import assert from "node:assert/strict";
import { binaryVerdict } from "@fedclair/core";
import type { Metrics, Params, Task, Update, Verdict } from "@fedclair/core";
import { Matrix, stream, sum } from "@fedclair/linalg";
import { collaborationGraphTask } from "./task.js";
import { collaborationFigures } from "./figures.js";
import { roundOf, stepOf } from "@fedclair/tasks/testing";
import { computeInGroupMass, mixModels } from "./personalise.js";
import { noClients } from "@fedclair/tasks/testing";

function create(options: object = {}): Task {
  return collaborationGraphTask.create(
    collaborationGraphTask.schema.parse(options) as never,
  ) as Task;
}

/** Creates twelve honest updates. */
async function updatesOf(task: Task, seed: number): Promise<Update[]> {
  const updates: Update[] = [];
  for (let index = 0; index < 12; index++) {
    const rng = stream(seed).at(index);
    const trainer = await task.openShard({ index, count: 12, rng });
    const job = {
      round: 1,
      phase: "train",
      params: new Map(),
      rng,
      common: rng,
      signal: new AbortController().signal,
    };
    const clientId = `c${String(index).padStart(2, "0")}`;
    updates.push({ clientId, ...(await trainer.train(job)) });
  }
  return updates;
}

async function step(task: Task, updates: readonly Update[], verdicts?: readonly Verdict[]) {
  const aggregation = { change: [], ...(verdicts && { verdicts }) };
  const { step } = await stepOf(task, roundOf({ updates }), aggregation);
  assert.ok(step.personal && step.metrics);
  return { personal: step.personal, metrics: step.metrics, artifacts: step.artifacts };
}

/** Means over the twelve clients. */
interface Means {
  readonly error: number;
  readonly local: number;
  readonly average: number;
}

async function measure(
  task: Task,
  seed: number,
  personal: ReadonlyMap<string, Params>,
): Promise<Means> {
  const all: Metrics[] = [];
  for (let index = 0; index < 12; index++) {
    const trainer = await task.openShard({ index, count: 12, rng: stream(seed).at(index) });
    const params = personal.get(`c${String(index).padStart(2, "0")}`) ?? assert.fail();
    all.push((await trainer.evaluate?.(params))?.metrics ?? {});
  }
  const mean = (name: string) => sum(all.map((metrics) => metrics[name] ?? NaN)) / all.length;
  return { error: mean("error"), local: mean("localError"), average: mean("averageError") };
}

describe("collaboration-graph", () => {
  it("mixes a client with its neighbours: (w_1 + 2·w_2)/(1 + 2)", () => {
    const graph = Matrix.fromRows([
      [0, 2],
      [2, 0],
    ]);
    const mixed = mixModels(graph, [Float64Array.of(3), Float64Array.of(6)]);
    assert.deepEqual(mixed, [Float64Array.of(5), Float64Array.of(4)]);
    assert.equal(computeInGroupMass(graph, [0, 1]), 0);
    assert.equal(computeInGroupMass(graph, [1, 1]), 1);
  });

  it("recovers the groups, with less error than separate clients and far less than their average", async () => {
    const measured: (Means & { readonly mass: number })[] = [];
    for (const seed of [1, 2, 3]) {
      const task = create({ dataSeed: seed });
      const { personal, metrics } = await step(task, await updatesOf(task, seed));
      measured.push({ mass: metrics.inGroupMass ?? NaN, ...(await measure(task, seed, personal)) });
    }
    const mean = (of: (m: Means & { readonly mass: number }) => number) =>
      sum(measured.map(of)) / 3;
    assert.ok(mean(({ mass }) => mass) >= 0.85);
    assert.ok(mean(({ error }) => error) <= mean(({ local }) => local));
    assert.ok(mean(({ average }) => average) >= 10 * mean(({ local }) => local));
  });

  it("leaves flagged clients their own models and excludes these from the others' mixtures", async () => {
    const task = create();
    const updates = await updatesOf(task, 1);
    const verdicts = updates.map(({ clientId }) =>
      binaryVerdict(clientId, clientId === "c03", 1, 1),
    );
    const { personal, metrics, artifacts } = await step(task, updates, verdicts);
    assert.equal(metrics.kept, 11);
    const own = updates[3]?.delta.get("model");
    assert.ok(own && "data" in own);
    assert.deepEqual(personal.get("c03")?.get("model")?.data, own.data);
    const shown = artifacts?.collaboration as { clients: string[]; groups: number[] };
    assert.ok(!shown.clients.includes("c03"));
    assert.deepEqual(shown.groups, [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2]);
  });

  it("labels a round with too few clients left to collaborate", async () => {
    const task = create();
    const updates = await updatesOf(task, 1);
    const { artifacts, metrics } = await step(task, updates, []);
    assert.deepEqual(artifacts, { collaboration: { outcome: "fewer than two clients kept" } });
    assert.deepEqual(metrics, { kept: 0, solved: 0 });
  });

  it("draws the graph of each arm and labels unsolved ones", () => {
    const value = {
      outcome: "ball inactive",
      clients: ["c00", "c01"],
      groups: [0, 0],
      weights: [1],
    };
    const [figure] = collaborationFigures({
      task: { name: "collaboration-graph" },
      clients: noClients,
      width: 860,
      arms: [{ label: "clair", colour: "#0072b2" }],
      artifacts: [{ arm: "clair", round: 1, name: "collaboration", value }],
    });
    const { concat } = figure?.spec as { concat: { title: string }[] };
    assert.equal(concat[0]?.title, "clair · ball inactive");
  });

  it("reports invalid options and a wrong number of clients", () => {
    assert.throws(() => create({ samples: 30 }), /expected at least inputs = 60, got 30/);
    assert.throws(() => create({ groups: [] }), /groups/);
    const options = collaborationGraphTask.schema.parse({}) as never;
    assert.throws(
      () => collaborationGraphTask.checkClients?.(10, options),
      /sum to clients = 10, got 12/,
    );
  });
});
