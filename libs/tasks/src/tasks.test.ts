import assert from "node:assert/strict";
import { unreleasedFloats, loadBackend } from "@fedclair/compute";
import { describeTask, type TaskSetting } from "@fedclair/core/testing";
import { loadTasks, taskAggregatorNames, taskNames } from "./index.js";

const bridge = { environment: { name: "bridge", random: 2, optimal: 2 }, sweeps: 2 };
const networks = {
  ...bridge,
  alphaFirst: 1,
  alphaLast: 0.05,
  learner: { name: "network", hidden: 4, steps: 2, dataRounds: 1, dataSteps: 2 },
};
const teacher = { k: 3, n: 2, d: 3 };
const transport = {
  samples: 40,
  schedule: 3,
  localSteps: 2,
  hidden: 4,
  baseSteps: 3,
  batchSize: 8,
  sourceBatchSize: 8,
  measureEvery: 2,
  evaluationSamples: 20,
};

/** Small trials of every task, one for each of its modes. */
const settings: Readonly<Record<string, readonly TaskSetting[]>> = {
  alberdice: [
    { name: "tables", options: bridge, clients: 3, rounds: 3, kind: "permute" },
    {
      name: "a client an agent",
      options: { ...bridge, mode: "agent-per-client" },
      clients: 2,
      rounds: 3,
    },
    {
      name: "one round for all agents",
      options: { ...bridge, mode: "local-then-average" },
      clients: 3,
      rounds: 2,
    },
    { name: "networks", options: networks, clients: 3, rounds: 3, kind: "permute" },
  ],
  "collaboration-graph": [
    {
      name: "two groups",
      options: { groups: [3, 3], inputs: 6, samples: 12 },
      clients: 6,
      rounds: 2,
    },
  ],
  "copy-average": [
    { name: "independent starts", options: teacher, clients: 3, rounds: 2, kind: "sign-flip" },
    { name: "one start", options: { ...teacher, init: "shared" }, clients: 3, rounds: 2 },
  ],
  denoising: [{ name: "a matrix", options: { p: 8, q: 6 }, clients: 4, rounds: 2 }],
  digits: [
    ...(["logistic", "mlp", "lora"] as const).map((model) => ({
      name: model,
      options: {
        model,
        hidden: 6,
        baseDigits: 100,
        baseEpochs: 1,
        uniformDigits: 50,
        partition: { by: "drawn", samples: 60 },
      },
      clients: 12,
      rounds: 2,
    })),
  ],
  "evaluation-bias": [
    {
      name: "two phases",
      options: { referenceScores: 300, panelScores: 300, panels: [{ alpha: 4, tau: 1.6 }] },
      clients: 6,
      rounds: 2,
      kind: "spike",
    },
  ],
  "graph-learning": [
    { name: "a graph", options: { nodes: 8 }, clients: 4, rounds: 2, kind: "othergraph" },
  ],
  "linear-regression": [
    { name: "a matrix", options: { p: 6, q: 4, samples: 20 }, clients: 4, rounds: 2 },
  ],
  network: [
    {
      name: "a layer",
      options: { samples: 20, localSteps: 10, testSamples: 20 },
      clients: 3,
      rounds: 2,
      kind: "shuffled",
    },
  ],
  "text-copy": [
    {
      name: "tokens",
      options: { sequences: 4, localSteps: 2, evaluationSequences: 4 },
      clients: 3,
      rounds: 2,
    },
  ],
  "value-driven-transport": (["gradient", "fedavg", "lora"] as const).map((mode) => ({
    name: mode,
    options: { ...transport, mode },
    clients: 3,
    rounds: 3,
  })),
};

/**
 * External tasks are excluded: their clients are not simulated, and they have tests of their own.
 */
const { tasks, aggregators } = await loadTasks();
const simulated = [...tasks.values()].filter(({ isExternal = false }) => !isExternal);

const { tf } = await loadBackend();
for (const plugin of simulated) {
  describeTask(
    plugin,
    settings[plugin.name] ?? [],
    () => tf.memory().numTensors + unreleasedFloats(),
  );
}

describe("the registry of tasks", () => {
  it("lists all tasks by name, with the aggregators that they define", () => {
    assert.deepEqual([...tasks.keys()], taskNames);
    assert.deepEqual([...aggregators.keys()], taskAggregatorNames);
  });

  it("loads what a trial names, or whose aggregator it names; all if it names none", async () => {
    const loadedFor = async (content: unknown) => [...(await loadTasks(content)).tasks.keys()];
    assert.deepEqual(await loadedFor({ task: { name: "digits" } }), ["digits"]);
    assert.deepEqual(await loadedFor({ name: "digits", task: { name: "network" } }), [
      "digits",
      "network",
    ]);
    const baselines = [{ aggregator: { name: "cosine-rule" } }];
    assert.deepEqual(await loadedFor({ task: { name: "digits" }, baselines }), [
      "alberdice",
      "digits",
    ]);
    assert.deepEqual(await loadedFor({ task: [{ name: ["digits", "network"] }] }), [
      "digits",
      "network",
    ]);
    for (const content of [undefined, null, "text", [], {}])
      assert.deepEqual(await loadedFor(content), taskNames);
    // The error about a misspelt name lists all tasks.
    assert.deepEqual(await loadedFor({ name: "network", task: { name: "digts" } }), taskNames);
  });

  it("has small trials of every task for the tests that all tasks must pass", () => {
    assert.deepEqual(Object.keys(settings), simulated.map(({ name }) => name).sort());
  });

  it("declares the metrics of every task, and the primary one", () => {
    for (const { name, metrics, primary } of simulated) {
      assert.ok(metrics && primary !== undefined && primary in metrics, name);
      assert.ok(metrics[primary]?.better !== undefined, `${name}: better is unknown`);
    }
  });
});
