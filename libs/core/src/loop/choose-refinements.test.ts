import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import { oneHost, play, prepare, toyPlugins, type Played } from "../../testing/index.js";
import { toyTask } from "../../testing/toy.js";
import type { AggregatorPlugin, Plugins, TaskPlugin } from "../contracts/plugin.js";
import type { LocalTrainer, Shard } from "../contracts/task.js";
import { resolveParams } from "../tensors/client-params.js";
import { zeros, type Params } from "../tensors/tensor.js";
import type { Delta } from "../tensors/update.js";
import { trialSchema, type Trial } from "../trial/trial.js";
import { UserError } from "../words/errors.js";
import { planRounds } from "./round-plan.js";
import { runRounds, type RoundDone } from "./round.js";
import { startTrial, type TrialState } from "./trial-state.js";

const createTerm = (value: number): Delta =>
  new Map([["w", { shape: [1], data: Float64Array.of(value) }]]);

const readValue = (params: Params) => params.get("w")?.data[0] ?? NaN;

/** Each client's best value. Client i trains to 8 + 8i, which is too far. */
const best = [8, 12, 14, 40];

type Measure = NonNullable<LocalTrainer["measureHeldBack"]>;

/**
 * Creates a task whose clients hold one number.
 * @param measure by default the distance to `best`
 */
function createTask(
  measure: (shard: Shard) => Measure = ({ index }) =>
    (params) =>
      Promise.resolve(Math.abs(readValue(params) - (best[index] ?? NaN))),
): TaskPlugin {
  return {
    ...toyTask,
    schema: z.strictObject({}),
    create: () => ({
      start: () => Promise.resolve({ params: new Map([["w", zeros([1], "f64")]]) }),
      openShard: (shard) =>
        Promise.resolve({
          train: ({ params }) =>
            Promise.resolve({
              numExamples: 1,
              delta: createTerm(8 + 8 * shard.index - readValue(params)),
              metrics: { heldBack: shard.holdBack ?? 0 },
            }),
          measureHeldBack: measure(shard),
        }),
    }),
  };
}

/**
 * Refines every change to 40. The mean of all is 4. Only the clients in `choosing` have a choice.
 */
const refining: AggregatorPlugin = {
  name: "refining",
  summary: "Refines every change to 40.",
  schema: z.strictObject({ choosing: z.array(z.string()).default(["c00", "c01", "c02", "c03"]) }),
  create: ({ choosing }: { choosing: string[] }) => ({
    aggregate: ({ updates }) =>
      Promise.resolve({
        change: [createTerm(1), createTerm(3)],
        personal: new Map(updates.map(({ clientId }) => [clientId, [createTerm(40)]])),
        refined: new Set(choosing),
      }),
  }),
};

function createPlugins(task = createTask()): Plugins {
  return {
    ...toyPlugins,
    tasks: new Map([["toy", task]]),
    aggregators: new Map([["refining", refining]]),
  };
}

function createTrial(plugins: Plugins, changes: object = {}): Trial {
  return trialSchema(plugins).parse({
    name: "choices",
    rounds: 1,
    clients: 4,
    task: { name: "toy" },
    aggregator: { name: "refining" },
    evaluate: "never",
    holdBack: 0.25,
    ...changes,
  });
}

async function run(changes: object = {}, plugins = createPlugins()): Promise<Played> {
  return await play(createTrial(plugins, changes), plugins);
}

/** The clients' params after the last round, in order. */
async function readPersonal({ state }: Played): Promise<number[]> {
  const all = await Promise.all([...state.personal.values()].map((own) => resolveParams(own)));
  return all.map(readValue);
}

const listKinds = ({ rounds }: Played) =>
  rounds.at(-1)?.record.clients.map(({ refinement }) => refinement);

describe("chooseRefinements", () => {
  it("lets every client keep the candidate that is best on its held-back data", async () => {
    const played = await run();
    assert.deepEqual(listKinds(played), ["own", "shrunk-quarter", "shrunk-half", "clair"]);
    assert.deepEqual(await readPersonal(played), [8, 0.75 * 16 + 0.25 * 4, 0.5 * 24 + 0.5 * 4, 40]);
    const [{ record } = assert.fail()] = played.rounds;
    assert.deepEqual(
      record.clients.map(({ train }) => train),
      new Array(4).fill({ heldBack: 0.25 }),
    );
    // Params of 8 bytes, then the mean (two terms) and the refined change, for four clients.
    assert.deepEqual(record.bytes, { down: 4 * (8 + 3 * 8), up: 4 * 8 });
  });

  it("keeps the refined change if the trial holds back nothing", async () => {
    const played = await run({ holdBack: 0 });
    assert.deepEqual(listKinds(played), new Array(4).fill(undefined));
    assert.deepEqual(await readPersonal(played), [40, 40, 40, 40]);
    assert.deepEqual(played.rounds[0]?.record.bytes, { down: 4 * 8, up: 4 * 8 });
  });

  it("asks only the clients that the aggregator names", async () => {
    const played = await run({ aggregator: { name: "refining", choosing: ["c01"] } });
    assert.deepEqual(listKinds(played), [undefined, "shrunk-quarter", undefined, undefined]);
    assert.deepEqual(await readPersonal(played), [40, 13, 40, 40]);
  });

  it("does not ask clients that are not simulated", async () => {
    const plugins = createPlugins();
    const trial = createTrial(plugins);
    const prepared = prepare(trial, plugins);
    const plan = planRounds(prepared, prepared.arms[0], {
      task: await prepared.loadTask(),
      pool: await oneHost(trial, plugins),
      signal: new AbortController().signal,
    });
    const start = await startTrial(plan.task, plan.clientIds, plan.rng);
    const rounds: RoundDone[] = [];
    for await (const event of runRounds({ ...plan, external: new Set(["c00", "c02"]) }, start))
      if (event.kind === "round") rounds.push(event);
    const state = rounds[0]?.state ?? assert.fail();
    assert.deepEqual(listKinds({ rounds, state }), [
      undefined,
      "shrunk-quarter",
      undefined,
      "clair",
    ]);
    assert.deepEqual(await readPersonal({ rounds, state }), [40, 13, 40, 40]);
  });

  it("lets a client that cannot choose, or lies, affect only itself", async () => {
    const task = createTask(({ index }) => (params) => {
      if (index === 1) throw new UserError("no data");
      if (index === 2) return Promise.resolve(NaN);
      return Promise.resolve(index === 3 ? readValue(params) : Math.abs(readValue(params) - 8));
    });
    const played = await run({}, createPlugins(task));
    assert.deepEqual(listKinds(played), ["own", "own", "own", "shrunk-half"]);
    assert.deepEqual(await readPersonal(played), [8, 16, 24, 18]);
    assert.deepEqual(
      played.rounds[0]?.record.clients.map(({ refinementFailure }) => refinementFailure?.message),
      [undefined, "no data", undefined, undefined],
    );
  });

  it("resumes with the same choices", async () => {
    const plugins = createPlugins();
    const trial = createTrial(plugins, { rounds: 3, cohort: { count: 2 } });
    const whole = await play(trial, plugins);
    const first = whole.rounds[0]?.state ?? assert.fail();
    const from = deserialize(serialize(first)) as TrialState;
    const rest = await play(trial, plugins, { from });
    assert.deepEqual(
      rest.rounds.map(({ record }) => record),
      whole.rounds.slice(1).map(({ record }) => record),
    );
    assert.deepEqual(rest.state, whole.state);
  });

  it("rejects a task that holds back nothing, and mods that the losses would bypass", () => {
    const task = { ...createTask(), holdsBack: false };
    const explain = (plugins: Plugins, changes: object) => () =>
      prepare(createTrial(plugins, changes), plugins);
    assert.throws(explain(createPlugins(task), {}), {
      message: "trial.yaml: holdBack: clients of task toy hold back no data; leave it out",
    });
    assert.throws(explain(createPlugins(), { mods: [{ name: "toy-half" }] }), {
      message:
        "trial.yaml: holdBack: clients would send losses on their data, which mod toy-half does not act on; leave one of the two out",
    });
    explain(createPlugins(), { mods: [{ name: "toy-whole" }] })();
  });
});
