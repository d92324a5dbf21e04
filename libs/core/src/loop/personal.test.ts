import assert from "node:assert/strict";
import { z } from "zod";
import { anyTwoLayers, play, prepare, toyPlugins } from "../../testing/index.js";
import type { AggregatorInput } from "../contracts/aggregator.js";
import type { PersonalMethod } from "../contracts/personal.js";
import type { AggregatorPlugin, Plugin, Plugins, TaskPlugin } from "../contracts/plugin.js";
import { combineParams, pickModules } from "../tensors/combine.js";
import { deltaBytes, scaleDelta } from "../tensors/update.js";
import { trialSchema } from "../trial/trial.js";

const task = anyTwoLayers();

/** Clients share the body; each keeps the head, and says how often it trained. */
const halves: PersonalMethod = {
  sends: () => ["body"],
  start: (shared) =>
    new Map([
      ...pickModules(shared, ["head"]),
      ["times", { shape: [1], data: Float64Array.of(0) }],
    ]),
  async train({ shared, own, steps }) {
    const before = new Map([...shared, ...pickModules(own, ["head"])]);
    const after = await steps(before);
    const times = 1 + (own.get("times")?.data[0] ?? NaN);
    return {
      change: combineParams([1, after], [-1, before]),
      own: new Map([
        ...pickModules(after, ["head"]),
        ["times", { shape: [1], data: Float64Array.of(times) }],
      ]),
      metrics: { times },
    };
  },
  model: ({ shared, own }) =>
    new Map([...pickModules(own, ["head"]), ...pickModules(shared, ["body"])]),
};

function failStart(): never {
  throw new Error("no own");
}

function pluginOf(method: PersonalMethod): Plugin<PersonalMethod> {
  return { name: "mine", summary: "Mine.", schema: z.strictObject({}), create: () => method };
}

function aggregatorOf(see: (input: AggregatorInput) => void = () => undefined): AggregatorPlugin {
  return {
    name: "mean",
    summary: "The mean.",
    schema: z.strictObject({}),
    create: () => ({
      aggregate: (input, state = 0) => {
        see(input);
        const { updates } = input;
        const change = updates.map(({ delta }) => scaleDelta(delta, 1 / updates.length));
        const verdicts = updates.map(({ clientId }) => ({
          clientId,
          status: "benign" as const,
          pooled: true,
          score: 0,
          threshold: 1,
        }));
        return Promise.resolve({
          change,
          verdicts,
          metrics: { state: state as number },
          state: (state as number) + 1,
        });
      },
    }),
  };
}

function pluginsOf(
  method: PersonalMethod,
  { aggregator = aggregatorOf(), tasks = [task] as readonly TaskPlugin[] } = {},
): Plugins {
  return {
    tasks: new Map(tasks.map((one) => [one.name, one])),
    aggregators: new Map([[aggregator.name, aggregator]]),
    attacks: toyPlugins.attacks,
    personal: new Map([["mine", pluginOf(method)]]),
  };
}

function trialOf(plugins: Plugins, changes: object = {}) {
  return trialSchema(plugins).parse({
    name: "t",
    rounds: 3,
    clients: 4,
    task: { name: task.name },
    aggregator: { name: "mean" },
    personal: { name: "mine" },
    ...changes,
  });
}

describe("an arm with a personal method", () => {
  it("aggregates what clients send, and hands each its own params again", async () => {
    const seen: AggregatorInput[] = [];
    const plugins = pluginsOf(halves, { aggregator: aggregatorOf((input) => seen.push(input)) });
    const { rounds, state } = await play(trialOf(plugins), plugins);
    for (const { updates } of seen)
      for (const { delta } of updates) assert.deepEqual([...delta.keys()], ["body"]);
    const times = rounds.map(({ record }) => record.clients.map(({ train }) => train?.times));
    assert.deepEqual(
      times,
      [1, 2, 3].map((n) => [n, n, n, n]),
    );
    const heads = [...state.personal.values()].map(({ base }) => [...base.keys()]);
    assert.deepEqual(heads, Array(4).fill(["head", "times"]));
    const start = prepare(trialOf(plugins), plugins);
    const { params } = await (await start.loadTask()).start({ clientIds: [], rng: start.rng });
    assert.ok(params instanceof Map);
    assert.deepEqual(state.params.get("head"), params.get("head"), "nobody sent a head");
    const { up } = rounds[0]?.record.bytes ?? assert.fail();
    assert.equal(up, 4 * deltaBytes(new Map([["body", params.get("body") ?? assert.fail()]])));
  });

  it("runs its aggregator once for each model, with a state of its own", async () => {
    const seen: (readonly string[])[] = [];
    const aggregator = aggregatorOf(({ updates }) => {
      seen.push(updates.map(({ clientId }) => clientId));
    });
    const method: PersonalMethod = {
      models: { count: 3, spread: 0.1 },
      train: async ({ models, round, rng, steps }) => {
        const model = round === 1 ? 2 : rng.int(2);
        const before = models[model] ?? assert.fail();
        return { model, change: combineParams([1, await steps(before)], [-1, before]) };
      },
      model: ({ models }) => models[2] ?? assert.fail(),
    };
    const plugins = pluginsOf(method, { aggregator });
    const { rounds, state } = await play(trialOf(plugins, { clients: 6 }), plugins);
    const [first, second, third] = rounds.map(({ record }) => record);
    assert.deepEqual(seen[0], ["c00", "c01", "c02", "c03", "c04", "c05"]);
    assert.deepEqual(first?.metrics, { "2/state": 0 });
    assert.deepEqual(second?.metrics, { "0/state": 0, "1/state": 0 });
    assert.deepEqual(third?.metrics, { "0/state": 1, "1/state": 1 });
    assert.ok(second.clients.every(({ verdict }) => verdict === "benign"));
    const names = [0, 1, 2].flatMap((i) => [`${i}/body`, `${i}/head`]);
    assert.deepEqual([...state.params.keys()], names);
    assert.deepEqual(
      rounds[1]?.state.params.get("2/body"),
      rounds[0]?.state.params.get("2/body"),
      "nobody took it",
    );
  });

  const faults: readonly (readonly [why: RegExp, method: Partial<PersonalMethod>])[] = [
    [
      /train\(\) of personal method 'mine' returned undefined; expected/,
      { train: (() => Promise.resolve()) as never },
    ],
    [/returned a change that is 3/, { train: (() => Promise.resolve({ change: 3 })) as never }],
    [
      /returned own params that are params whose module 'head' is undefined, not 2×2/,
      { train: ({ shared }) => Promise.resolve({ change: shared, own: new Map() }) },
    ],
    [
      /returned model 1, of 1/,
      { train: ({ shared }) => Promise.resolve({ change: shared, model: 1 }) },
    ],
    [/modules \[body\] are missing/, { train: () => Promise.resolve({ change: new Map() }) }],
    [
      /params without the module 'head'/,
      {
        train: async ({ steps }) => ({
          change: await steps(new Map([["body", { shape: [2, 3], data: new Float64Array(6) }]])),
        }),
      },
    ],
  ];
  for (const [why, change] of faults) {
    it(`fails a client of a method that breaks its contract: ${String(why)}`, async () => {
      const plugins = pluginsOf({ ...halves, ...change });
      const trial = trialOf(plugins);
      await assert.rejects(play(trial, plugins), why);
    });
  }

  it("names a method that cannot start, or whose model is none", async () => {
    const starts: readonly (readonly [RegExp, Partial<PersonalMethod>])[] = [
      [
        /personal method 'mine': sends: expected at least one of the modules body, head, got none$/,
        { sends: () => [] },
      ],
      [/personal method 'mine': sends: expected .*, got nose$/, { sends: () => ["nose"] }],
      [/personal method 'mine' cannot start: start: Error: no own$/, { start: failStart }],
      [
        /personal method 'mine': start: expected a Map of tensors by module, got 3/,
        { start: (() => 3) as never },
      ],
    ];
    for (const [why, change] of starts) {
      const plugins = pluginsOf({ ...halves, ...change });
      await assert.rejects(play(trialOf(plugins), plugins), why);
    }
    const plugins = pluginsOf({ ...halves, model: () => new Map() });
    const { rounds } = await play(trialOf(plugins), plugins);
    assert.match(
      JSON.stringify(rounds[0]?.record.clients[0]),
      /model\(\) of personal method 'mine' returned params whose module 'body' is undefined, not 2×3/,
    );
  });

  it("is rejected before the start where it cannot work", () => {
    const refusing = { ...task, refusesSteps: () => "it solves; set steps" };
    const members = Object.entries({ ...task, name: "plain" });
    const plain = Object.fromEntries(
      members.filter(([name]) => name !== "refusesSteps"),
    ) as unknown as TaskPlugin;
    const mean = aggregatorOf();
    const own = {
      ...mean,
      create: () => ({ ...mean.create({} as never), changesPersonal: true }),
    };
    const devices = { seconds: { median: 10, sigma: 0.5 } };
    const stale = { ...mean, acceptsStale: true };
    const staleTask = { ...task, acceptsStale: () => true };
    const rejected: readonly (readonly [RegExp, Plugins, object])[] = [
      [
        /personal: clients of task plain take no single gradient steps, which mine needs/,
        pluginsOf(halves, { tasks: [plain] }),
        { task: { name: "plain" } },
      ],
      [
        /personal: mine needs single gradient steps, and clients of task two-layers take none with these options: it solves; set steps/,
        pluginsOf(halves, { tasks: [refusing] }),
        {},
      ],
      [
        /baselines\.0\.personal: mine makes models of its own from shared params, and aggregator mean changes personal ones/,
        pluginsOf(halves, { aggregator: own }),
        {
          personal: undefined,
          baselines: [{ label: "b", aggregator: { name: "mean" }, personal: { name: "mine" } }],
        },
      ],
      [
        /personal: external clients keep no params of their own for mine/,
        pluginsOf(halves),
        { external: ["c01"] },
      ],
      [
        /personal: schedule buffered mixes rounds, and own params belong to one/,
        pluginsOf(halves, { aggregator: stale, tasks: [staleTask] }),
        { devices, schedule: { name: "buffered", buffer: 1, discount: 0 } },
      ],
    ];
    for (const [why, plugins, changes] of rejected)
      assert.throws(() => prepare(trialOf(plugins, changes), plugins), why);
  });

  it("keeps the own params of stragglers as they were", async () => {
    const plugins = pluginsOf(halves);
    const trial = trialOf(plugins, {
      devices: { seconds: { median: 10, sigma: 1 } },
      schedule: { name: "semi-synchronous", fraction: 0.5 },
    });
    const { rounds } = await play(trial, plugins);
    const [first] = rounds;
    const arrived = first?.record.clients.filter(({ failure }) => failure === null) ?? [];
    assert.equal(arrived.length, 2);
    assert.deepEqual(
      [...(first?.state.personal.keys() ?? [])],
      arrived.map(({ clientId }) => clientId),
    );
  });
});
