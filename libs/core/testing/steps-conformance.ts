import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import type { GradientTraining } from "../src/contracts/personal.js";
import type { Task } from "../src/contracts/task.js";
import { combineParams, dotParams, pickModules } from "../src/tensors/combine.js";
import { addTerms } from "../src/tensors/merge.js";
import { copyParams, type Params } from "../src/tensors/tensor.js";

/**
 * Tests the gradient steps of a task whose plug-in does not refuse them.
 * @param load loads the task and the params that clients start from
 */
export function itTakesSteps(
  load: () => Promise<{ readonly task: Task; readonly params: Params }>,
  clients: number,
): void {
  /** Opens the training data of the first client, anew each time. */
  const open = async () => {
    const { task, params } = await load();
    const rng = stream("steps");
    const shard = { index: 0, count: clients, rng: rng.at("shard") };
    const trainer = await task.openShard(shard);
    const common = rng.at("common");
    const { signal } = new AbortController();
    const createJob = () => ({
      round: 1,
      phase: "train",
      params: copyParams(params),
      common,
      signal,
      rng: rng.at("train"),
    });
    if (!trainer.open) assert.fail("refusesSteps has no objection, and the trainer has no open");
    return { trainer, createJob, training: await trainer.open(createJob()) };
  };
  const pace = ({ count, rate }: GradientTraining) => ({ count, rate });

  it("takes the steps of train one by one, without writing into the params", async () => {
    const { trainer, createJob, training } = await open();
    const before = copyParams(training.params);
    const whole = await training.steps(training.params, pace(training));
    assert.deepEqual(copyParams(training.params), before, "it writes into the params: copy them");
    const { delta, numExamples } = await trainer.train(createJob());
    assert.equal(training.numExamples, numExamples);
    assert.deepEqual([...training.params.keys()], [...delta.keys()], "train changes others");
    assertClose(whole, await addTerms(training.params, [delta]), "train takes other steps");

    const { training: again } = await open();
    const { rate } = again;
    const first = await again.steps(again.params, { count: 1, rate });
    const second = await again.steps(first, { count: 1, rate });
    const { training: both } = await open();
    assertClose(second, await both.steps(both.params, { count: 2, rate }), "batches start again");
  });

  it("is pulled by `towards`, and moves only the modules of `only`", async () => {
    const { training } = await open();
    const { params, rate } = training;
    const names = [...params.keys()];
    assert.ok(Number.isFinite(await training.loss(params)));
    const still = { count: 1, rate: rate / 1e3 };
    const moved = await training.steps(params, { count: 3, rate, only: names.slice(-1) });
    for (const name of names.slice(0, -1))
      assert.deepEqual(moved.get(name), params.get(name), `it moves ${name}`);
    assert.ok(distance(moved, params) > 0, "it does not move the module of `only`");

    const target = combineParams([1, moved], [1, moved]);
    const [{ training: free }, { training: pulled }] = [await open(), await open()];
    const without = await free.steps(params, still);
    const towards = { params: target, weight: 1 / still.rate };
    assert.ok(
      distance(await pulled.steps(params, { ...still, towards }), target) <
        distance(without, target),
      "it is not pulled by `towards`",
    );
  });
}

function distance(a: Params, b: Params): number {
  const difference = combineParams([1, a], [-1, pickModules(b, [...a.keys()])]);
  return Math.sqrt(dotParams(difference, difference));
}

function assertClose(a: Params, b: Params, why: string): void {
  const size = Math.sqrt(dotParams(a, a));
  assert.ok(distance(a, b) <= 1e-5 * size, `${why}: ${distance(a, b)} apart, of ${size}`);
}
