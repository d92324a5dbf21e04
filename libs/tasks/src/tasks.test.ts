import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { unreleasedFloats, loadBackend } from "@fedclair/compute";
import { describeTask, type TaskSetting } from "@fedclair/core/testing";
import { taskLoaders } from "./index.js";

const wine = fileURLToPath(new URL("../../../../trials/table/data/wine.csv", import.meta.url));

/** Small trials of every task, one for each of its modes. */
const settings: Readonly<Record<string, readonly TaskSetting[]>> = {
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
  "linear-regression": [
    { name: "a matrix", options: { p: 6, q: 4, samples: 20 }, clients: 4, rounds: 2 },
    {
      name: "by steps",
      options: { p: 6, q: 4, samples: 20, localSteps: 3 },
      clients: 4,
      rounds: 2,
    },
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
  table: (
    [
      ["classes, linear", { label: "target" }, "linear"],
      ["classes, mlp", { label: "target" }, "mlp"],
      ["classes, lora", { label: "target" }, "lora"],
      ["numbers, linear", { outputs: ["hue", "ash"], ignore: ["target"] }, "linear"],
      ["numbers, mlp", { outputs: "hue" }, "mlp"],
    ] as const
  ).map(([name, columns, model]) => ({
    name,
    options: { source: { file: wine, columns }, model, hidden: 6, localEpochs: 1 },
    clients: 4,
    rounds: 2,
  })),
  "text-copy": [
    {
      name: "tokens",
      options: { sequences: 4, localSteps: 2, evaluationSequences: 4 },
      clients: 3,
      rounds: 2,
    },
  ],
};

/**
 * External tasks are excluded: their clients are not simulated, and they have tests of their own.
 */
const tasks = await Promise.all(Object.values(taskLoaders).map((load) => load()));
const simulated = tasks.filter(({ isExternal = false }) => !isExternal);

const { tf } = await loadBackend();
for (const plugin of simulated) {
  describeTask(
    plugin,
    settings[plugin.name] ?? [],
    () => tf.memory().numTensors + unreleasedFloats(),
  );
}

describe("the tasks of this package", () => {
  it("has small trials of every task for the tests that all tasks must pass", () => {
    assert.deepEqual(Object.keys(settings), simulated.map(({ name }) => name).sort());
  });
});
