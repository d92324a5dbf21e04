import assert from "node:assert/strict";
import { createToyTask, toyTask } from "../../testing/toy.js";
import { play, toyPlugins, toyTrial } from "../../testing/index.js";
import type { Plugins } from "../contracts/plugin.js";
import type { LocalTrainer, Task } from "../contracts/task.js";
import { readNumbers } from "../tensors/tensor.js";
import { isLowRank, type Update } from "../tensors/update.js";
import { UserError } from "../words/errors.js";

const expects = new Map([["size", { shape: [1], dtype: "f64", isDense: true } as const]]);

/** The toy task, whose clients are surveyed for these numbers. */
function surveyed(answers: readonly (number | undefined)[]) {
  const received: Update[] = [];
  const toy = createToyTask();
  const task: Task = {
    ...toy,
    start: async (context) => {
      for await (const update of context.survey?.(expects) ?? []) received.push(update);
      return await toy.start(context);
    },
    openShard: async (shard): Promise<LocalTrainer> => {
      const trainer = await toy.openShard(shard);
      const answer = answers[shard.index];
      if (answer === undefined) return trainer;
      const size = { shape: [1], data: Float64Array.of(answer) };
      const update = { numExamples: 1, delta: new Map([["size", size]]), metrics: {} };
      return { ...trainer, survey: () => Promise.resolve(update) };
    },
  };
  const plugins: Plugins = {
    ...toyPlugins,
    tasks: new Map([["toy", { ...toyTask, create: () => task }]]),
  };
  return { received, plugins };
}

describe("surveyClients", () => {
  it("yields the admitted answers before round 1, unchanged by attacks", async () => {
    const { received, plugins } = surveyed([5, undefined, NaN, 7]);
    const attacks = [{ attack: { name: "toy-shift" }, clients: ["c03"] }];
    const trial = toyTrial({ clients: 4, rounds: 1, attacks });
    const { rounds } = await play(trial, plugins);
    assert.equal(rounds.length, 1);
    const sizes = received.map(({ clientId, delta }) => {
      const size = delta.get("size");
      assert.ok(size && !isLowRank(size));
      return [clientId, ...readNumbers(size)];
    });
    assert.deepEqual(sizes, [
      ["c00", 5],
      ["c03", 7],
    ]);
  });

  it("ends the trial with the last reason if no client answers", async () => {
    const { plugins } = surveyed([]);
    await assert.rejects(
      play(toyTrial({ clients: 2, rounds: 1 }), plugins),
      (error) =>
        error instanceof UserError &&
        error.exitCode === 3 &&
        /^no client answers the survey before round 1: c01: CLIENT_ERROR \(this client has no/.test(
          error.message,
        ),
    );
  });
});
