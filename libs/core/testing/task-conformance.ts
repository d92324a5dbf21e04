import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import { clientIds } from "../src/contracts/clients.js";
import type { Attack } from "../src/contracts/attack.js";
import type { AggregatorPlugin, Plugin, Plugins, TaskPlugin } from "../src/contracts/plugin.js";
import { exitCodes, UserError } from "../src/words/errors.js";
import { readNumbers } from "../src/tensors/tensor.js";
import type { TrialState } from "../src/loop/trial-state.js";
import { trialSchema, type Trial } from "../src/trial/trial.js";
import { mapTensors, scaleDelta } from "../src/tensors/update.js";
import { manyHosts, oneHost, play, prepare, type Played } from "./play.js";
import { itTakesSteps } from "./steps-conformance.js";
import { assertDrawsNowhereElse, assertOptions, keepsMore, setUpSuite } from "./suite.js";

/** A small trial of a task. */
export interface TaskSetting {
  /** A name for the titles of the tests. */
  readonly name: string;
  readonly options?: object;
  readonly clients: number;
  readonly rounds: number;
  /** A kind of contaminated data that the task knows. */
  readonly kind?: string;
}

/**
 * The plain mean. With `judges` it reports every client as benign, and with `refines` every client
 * may choose the mean in place of its own change.
 */
const mean: AggregatorPlugin = {
  name: "test-mean",
  summary: "The plain mean.",
  schema: z.strictObject({
    judges: z.boolean().default(false),
    refines: z.boolean().default(false),
  }),
  create: ({ judges, refines }: { judges: boolean; refines: boolean }) => ({
    aggregate: ({ updates }) => {
      const change = updates.map(({ delta }) => scaleDelta(delta, 1 / updates.length));
      const ids = updates.map(({ clientId }) => clientId);
      return Promise.resolve({
        change,
        ...(refines && {
          personal: new Map(ids.map((id) => [id, change])),
          refined: new Set(ids),
        }),
        ...(judges && {
          verdicts: updates.map(({ clientId }) => ({
            clientId,
            status: "benign" as const,
            pooled: true,
            score: 0.5,
            threshold: 1,
          })),
        }),
      });
    },
  }),
};

/** Numbers that pass admission but are useless, by name. */
const odd: Readonly<Record<string, (x: number, i: number) => number>> = {
  zeros: () => 0,
  negated: (x) => -x,
  enormous: (_, i) => (i % 2 === 0 ? 1e12 : -1e12),
  tiny: () => 1e-300,
  denormal: () => 5e-324,
  "the largest numbers": () => 9e29,
};

const oddUpdate: Plugin<Attack> = {
  name: "test-odd",
  summary: "Sends useless numbers that pass admission.",
  schema: z.strictObject({ kind: z.string() }),
  create: ({ kind }: { kind: string }) => ({
    corruptUpdate: (honest) => ({
      ...honest,
      delta: mapTensors(honest.delta, (tensor) => ({
        shape: tensor.shape,
        data: readNumbers(tensor).map(odd[kind] ?? assert.fail(kind)),
      })),
    }),
  }),
};

const contaminatedData: Plugin<Attack> = {
  name: "test-data",
  summary: "Contaminated data.",
  schema: z.strictObject({ kind: z.string() }),
  create: ({ kind }: { kind: string }) => ({ label: kind, data: { kind, options: {} } }),
};

const dependsOnHosts =
  "its numbers depend on the number of hosts or on the order of the clients: keep nothing between clients, and draw only from the stream of the job";

function createPlugins(task: TaskPlugin): Plugins {
  const byName = <P extends { readonly name: string }>(...all: P[]) =>
    new Map(all.map((plugin) => [plugin.name, plugin]));
  return {
    tasks: byName(task),
    aggregators: byName(mean, ...(task.aggregators ?? [])),
    attacks: byName(oddUpdate, contaminatedData),
  };
}

/**
 * Measures the longest time between two turns of the event loop, in milliseconds of CPU time of all
 * threads. CPU time does not depend on how busy the machine is.
 */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let ended = false;
  let last = process.cpuUsage();
  const tick = () => {
    const { user, system } = process.cpuUsage(last);
    longest = Math.max(longest, (user + system) / 1000);
    last = process.cpuUsage();
    if (!ended) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  ended = true;
  return longest;
}

const listResults = ({ rounds }: Played) =>
  rounds.map(({ record, artifacts }) => ({ record, artifacts }));

/**
 * Ignores a lost quorum: after a plain mean of enormous numbers, benign clients may overflow too,
 * which is not the task's fault.
 */
function ignoreLostQuorum(
  error: unknown,
): Pick<Played, "rounds"> & { state: Pick<Played["state"], "params"> } {
  if (error instanceof UserError && error.exitCode === exitCodes.quorum) {
    return { rounds: [], state: { params: new Map() } };
  }
  throw error;
}

/**
 * Tests what every task must do. Call it where mocha, or another runner with a global `describe`
 * and `it`, runs it.
 * @param settings a trial for each way in which the task works, each of a few seconds at most
 * @param countTensors for a task that trains in TensorFlow.js: returns the number of tensors, like
 * `() => tf.memory().numTensors`
 */
export function describeTask(
  plugin: TaskPlugin,
  settings: readonly TaskSetting[],
  countTensors?: () => number,
): void {
  const plugins = createPlugins(plugin);
  for (const { name, options = {}, clients, rounds, kind } of settings) {
    const trialWith = (aggregator: object, attack?: object): Trial =>
      trialSchema(plugins).parse({
        name: "conformance",
        clients,
        rounds,
        aggregator,
        task: { name: plugin.name, ...options },
        attacks: attack ? [{ attack, clients: [clientIds(clients).at(-1)] }] : [],
      });
    const aggregators = [
      { name: "test-mean" },
      { name: "test-mean", judges: true },
      ...(plugin.aggregators ?? []).map((own) => ({ name: own.name })),
    ];

    describe(`${plugin.name}, ${name}, as a task`, function () {
      setUpSuite(this);

      for (const aggregator of aggregators) {
        const label = JSON.stringify(aggregator);
        const attack = kind === undefined ? undefined : { name: "test-data", kind };

        let played: Promise<Played> | undefined;
        /** Plays a trial on one host, once for all tests that compare with it. */
        const playOnce = (trial: Trial) => (played ??= play(trial, plugins));

        it(`gives the same numbers on one host and on many, in any order, ${label}`, async () => {
          const trial = trialWith(aggregator, attack);
          const one = await playOnce(trial);
          const many = await play(trial, plugins, { pool: manyHosts(trial, plugins) });
          assert.ok(one.rounds.length > 0, "the trial ended without a round");
          assert.deepEqual(listResults(many), listResults(one), dependsOnHosts);
          assert.deepEqual(many.state, one.state, dependsOnHosts);
        });

        it(`gives the same numbers when it resumes from a stored state, ${label}`, async () => {
          const trial = trialWith(aggregator, attack);
          const whole = await playOnce(trial);
          const pool = await oneHost(trial, plugins);
          for (const [i, { state }] of whole.rounds.slice(0, -1).entries()) {
            const stored = deserialize(serialize(state)) as TrialState;
            const rest = await play(trial, plugins, { pool, from: stored });
            assert.deepEqual(listResults(rest), listResults(whole).slice(i + 1), keepsMore);
            assert.deepEqual(rest.state, whole.state, keepsMore);
          }
        });

        for (const odds of Object.keys(odd)) {
          it(`survives a client that sends ${odds}, ${label}`, async () => {
            const trial = trialWith(aggregator, { name: "test-odd", kind: odds });
            const { rounds, state } = await play(trial, plugins).catch(ignoreLostQuorum);
            assert.deepEqual(
              rounds.flatMap(({ record }) => record.stopped ?? []),
              [],
              `an update with ${odds} stops the trial`,
            );
            for (const { data } of state.params.values()) {
              assert.ok(
                data.every((x: number) => Number.isFinite(x)),
                `after an update with ${odds}, the params have NaN or ±∞`,
              );
            }
          });
        }
      }

      if (plugin.holdsBack) {
        it("lets clients choose on data that they held back", async () => {
          const aggregator = { name: "test-mean", refines: true };
          const trial = { ...trialWith(aggregator), holdBack: 0.5, evaluate: "never" as const };
          const one = await play(trial, plugins);
          const many = await play(trial, plugins, { pool: manyHosts(trial, plugins) });
          for (const { record } of one.rounds) {
            for (const { refinement, refinementFailure } of record.clients) {
              assert.equal(refinementFailure, undefined, "a client failed to choose");
              assert.ok(refinement, "a client reported no choice among the versions of its change");
            }
          }
          assert.deepEqual(listResults(many), listResults(one), dependsOnHosts);
          const whole = await play(trialWith(aggregator), plugins);
          assert.notDeepEqual(whole.state.params, one.state.params, "it trains on fewer data");
        });
      }

      const parsed = plugin.schema.parse(options) as never;
      if (plugin.refusesSteps && plugin.refusesSteps(parsed) === undefined) {
        itTakesSteps(async () => {
          const trial = { ...trialWith({ name: "test-mean" }), evaluate: "never" as const };
          const { rounds } = await play(trial, plugins);
          const params = rounds[0]?.state.params ?? assert.fail("the trial ended without a round");
          return { task: await prepare(trial, plugins).loadTask(), params };
        }, clients);
      }

      it("draws only from its streams", async () => {
        const trial = trialWith({ name: "test-mean" });
        const pool = await oneHost(trial, plugins);
        const run = () => play(trial, plugins, { pool });
        await assertDrawsNowhereElse(run, "Use the stream of its job");
      });

      const checkForLeaks = async () => {
        const trial = trialWith({ name: "test-mean" });
        const pool = await oneHost(trial, plugins);
        await play(trial, plugins, { pool });
        const before = countTensors?.();
        await play(trial, plugins, { pool });
        assert.equal(countTensors?.(), before, "it leaves tensors behind: tidy or dispose of them");
      };
      if (countTensors) it("disposes of all its tensors", checkForLeaks);

      it("yields to the event loop at least every 100 ms", async () => {
        const trial = trialWith({ name: "test-mean" });
        const pool = await oneHost(trial, plugins);
        // Blocking code is slow in every attempt; code that is not yet compiled, a garbage
        // collection or a compilation in another thread is not.
        const longest: number[] = [];
        while (longest.length < 4 && !longest.some((milliseconds) => milliseconds < 100)) {
          longest.push(await longestTurn(() => play(trial, plugins, { pool })));
        }
        assert.ok(
          Math.min(...longest) < 100,
          `it blocks the event loop for ${longest.map((ms) => ms.toFixed(0)).join(", ")} ms: await yieldToEventLoop() in long loops`,
        );
      });

      it("rejects an unknown option", () => {
        assertOptions(plugin, options);
      });
    });
  }
}
