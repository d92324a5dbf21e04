import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import type { Attack } from "../src/contracts/attack.js";
import type { PersonalMethod } from "../src/contracts/personal.js";
import type { AggregatorPlugin, Plugin, Plugins } from "../src/contracts/plugin.js";
import type { TrialState } from "../src/loop/trial-state.js";
import { trialSchema } from "../src/trial/trial.js";
import { scaleDelta, type Update } from "../src/tensors/update.js";
import { manyHosts, oneHost, play, type Played } from "./play.js";
import { assertDrawsNowhereElse, itDescribesItself, keepsMore, setUpSuite } from "./suite.js";
import { anyTwoLayers } from "./two-layers.js";

/** Settings of `describePersonal`. */
export interface PersonalSetting {
  /** Options in addition to the defaults. */
  readonly options?: object;
}

/** Asserts that a change has no own params, which neither attacks nor aggregators see. */
function assertSent({ delta }: Pick<Update, "delta">): void {
  assert.deepEqual(
    [...delta.keys()].filter((name) => name.startsWith("own/")),
    [],
  );
}

/** Sends the negated change. */
const flip: Plugin<Attack> = {
  name: "test-flip",
  summary: "The negated change.",
  schema: z.strictObject({}),
  create: () => ({
    corruptUpdate: (honest) => {
      assertSent(honest);
      return { ...honest, delta: scaleDelta(honest.delta, -1) };
    },
  }),
};

/** The plain mean. */
const mean: AggregatorPlugin = {
  name: "test-mean",
  summary: "The plain mean.",
  schema: z.strictObject({}),
  create: () => ({
    aggregate: ({ updates }) => {
      updates.forEach(assertSent);
      return Promise.resolve({
        change: updates.map(({ delta }) => scaleDelta(delta, 1 / updates.length)),
      });
    },
  }),
};

const rounds = 4;

/**
 * Tests what every personal method must do. Call it where mocha, or another runner with a global
 * `describe` and `it`, runs it. Its clients have a model of two linear layers, `body` and `head`.
 */
export function describePersonal(
  plugin: Plugin<PersonalMethod>,
  { options = {} }: PersonalSetting = {},
): void {
  const task = anyTwoLayers();
  const plugins: Plugins = {
    tasks: new Map([[task.name, task]]),
    aggregators: new Map([[mean.name, mean]]),
    attacks: new Map([[flip.name, flip]]),
    personal: new Map([[plugin.name, plugin]]),
  };
  const createTrial = () =>
    trialSchema(plugins).parse({
      name: "conformance",
      rounds,
      clients: 5,
      cohort: { count: 3 },
      task: { name: task.name },
      aggregator: { name: mean.name },
      personal: { name: plugin.name, ...options },
      attacks: [{ attack: { name: flip.name }, count: 1 }],
    });
  let played: Promise<Played> | undefined;
  const playOnce = () => (played ??= play(createTrial(), plugins));
  const listRecords = (whole: Played) => whole.rounds.map(({ record }) => record);

  describe(`personal method ${plugin.name}, ${JSON.stringify(options)}`, function () {
    setUpSuite(this);
    itDescribesItself(plugin, options);

    it("trains clients, and returns a model of each that can be measured", async () => {
      const records = listRecords(await playOnce());
      assert.equal(records.length, rounds);
      for (const { clients } of records) {
        for (const { clientId, attack, failure, evaluation } of clients) {
          assert.equal(failure, null, `client ${clientId} failed`);
          if (attack === null)
            assert.ok(Number.isFinite(evaluation?.loss), `client ${clientId} was not measured`);
        }
      }
    });

    it("gives the same numbers on one host and on many, in any order", async () => {
      const one = await playOnce();
      const trial = createTrial();
      const many = await play(trial, plugins, { pool: manyHosts(trial, plugins) });
      const why =
        "its numbers depend on the order of the clients, or on calls before: keep nothing but own params";
      assert.deepEqual(listRecords(many), listRecords(one), why);
      assert.deepEqual(many.state, one.state, why);
    });

    it("gives the same numbers when it resumes from a stored state", async () => {
      const whole = await playOnce();
      const trial = createTrial();
      const pool = await oneHost(trial, plugins);
      for (const [i, { state }] of whole.rounds.slice(0, -1).entries()) {
        const stored = deserialize(serialize(state)) as TrialState;
        const rest = await play(trial, plugins, { pool, from: stored });
        assert.deepEqual(listRecords(rest), listRecords(whole).slice(i + 1), keepsMore);
        assert.deepEqual(rest.state, whole.state, keepsMore);
      }
    });

    it("keeps own params of the same modules and shapes in every round", async () => {
      const { state } = await playOnce();
      for (const { base } of state.personal.values()) {
        const shapes = [...base].map(([name, { shape }]) => [name, shape]);
        const expected = [...(state.own ?? [])].map(([name, { shape }]) => [name, shape]);
        assert.deepEqual(shapes, expected);
      }
    });

    it("draws only from its stream", async () => {
      await assertDrawsNowhereElse(() => play(createTrial(), plugins), "Use `rng`");
    });
  });
}
