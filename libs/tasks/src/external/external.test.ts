import assert from "node:assert/strict";
import {
  binaryVerdict,
  type Attack,
  type Plugin,
  type Plugins,
  type TaskPlugin,
  type Update,
} from "@fedclair/core";
import {
  clientIds,
  ClientRunner,
  MemoryPool,
  parseTrial,
  type ClientPool,
} from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { z } from "zod";
import { play, prepare } from "@fedclair/core/testing";
import { linearRegression } from "../linear-regression/index.js";
import { external } from "./index.js";

const indexByName = <P extends { readonly name: string }>(...all: P[]) =>
  new Map(all.map((plugin) => [plugin.name, plugin]));

const attack = (name: string, instance: Attack): Plugin<Attack> => ({
  name,
  summary: "A plug-in of a test.",
  schema: z.strictObject({}),
  create: () => instance,
});

/** The aggregator adds the mean of all updates and flags the last client. */
const plugins: Plugins = {
  tasks: indexByName<TaskPlugin>(external, linearRegression),
  aggregators: indexByName({
    name: "last",
    summary: "A plug-in of a test.",
    schema: z.strictObject({}),
    create: () => ({
      aggregate: ({ updates }: { readonly updates: readonly Update[] }) =>
        Promise.resolve({
          change: updates.map(({ delta }) => delta),
          verdicts: updates.map(({ clientId }, i) =>
            binaryVerdict(clientId, i === updates.length - 1, i, 1),
          ),
        }),
    }),
  }),
  attacks: indexByName(
    attack("declared", { labelOnly: true }),
    attack("labels", { corruptLabels: (labels) => labels }),
    attack("own-update", { corruptUpdate: (own) => own }),
    attack("forger", { attackRound: ({ own }) => ({ updates: own }) }),
  ),
};

const text = (more = "") => `name: outside
rounds: 1
clients: 3
task:
  name: external
  modules: { w: { shape: [2, 1], dtype: f64 } }
  metrics: { loss: { better: lower } }
aggregator: { name: last }
${more}`;

/** Client k sends a matrix with k + 1 in both entries, after k + 1 samples with a loss of k + 1. */
const pool: ClientPool = {
  ready: () => Promise.resolve(),
  close: () => Promise.resolve(),
  async *ask(jobs) {
    for (const { id: jobId, clientId, clientIndex, kind } of jobs) {
      await Promise.resolve();
      const k = clientIndex + 1;
      const w = { shape: [2, 1], data: Float64Array.of(k, k) };
      const delta = kind === "evaluate" ? new Map() : new Map([["w", w]]);
      const update = { clientId, numExamples: k, delta, metrics: { loss: k, other: 1 } };
      yield { jobId, clientId, update };
    }
  },
};

describe("the task external", () => {
  it("starts from zeros if the trial names the modules, and asks a client if it does not", async () => {
    const start = async (more: readonly string[]) =>
      (await prepare(parseTrial(text(), "t.yaml", plugins, more), plugins).loadTask()).start({
        clientIds: clientIds(3),
        rng: stream(1),
      });
    assert.deepEqual(
      (await start([])).params,
      new Map([["w", { shape: [2, 1], data: new Float64Array(2) }]]),
    );
    const asks = await start(["task.modules=from-first-host"]);
    assert.deepEqual(asks, { params: "client" });
  });

  it("adds the aggregate, and reports means over benign clients weighted by samples", async () => {
    const { rounds, state } = await play(parseTrial(text(), "t.yaml", plugins), plugins, { pool });
    assert.deepEqual([...(state.params.get("w")?.data ?? [])], [6, 6]);
    assert.deepEqual(rounds[0]?.record.metrics, { "train.loss": (1 + 4) / 3 });
  });

  it("declares the direction of its metrics", () => {
    const { task } = parseTrial(text(), "t.yaml", plugins);
    const { metrics, primary } = external.measures?.(task as never) ?? {};
    assert.equal(primary, "loss");
    assert.deepEqual(
      Object.entries(metrics ?? {}).map(([name, { better }]) => [name, better]),
      [
        ["loss", "lower"],
        ["train.loss", "lower"],
      ],
    );
  });

  it("explains to a host that would simulate its clients where they run", async () => {
    const runner = new ClientRunner(prepare(parseTrial(text(), "t.yaml", plugins), plugins));
    await assert.rejects(
      runner.prepare(),
      /live in hosts of their own\. Name .* `python: my_module:make_client`, or start .*fedclair-host/,
    );
  });

  for (const [what, more, wanted] of [
    ["primary", "task.primary=speed", /expected one of metrics \(loss\), got 'speed'/],
    ["modules that are none", "task.modules=five", /expected from-first-host, or modules as/],
    ["no modules", "task.modules={}", /expected at least one module/],
    ["modules beyond memory", "task.modules={w: {shape: [30000, 30000]}}", /at most 268435456/],
    [
      "declared clients without names",
      "attacks=[{attack: {name: declared}, count: 1}]",
      /declared says which clients are contaminated: name them/,
    ],
    [
      "declared clients of a simulated task",
      "task={name: linear-regression}",
      /declared does nothing by itself, and task linear-regression simulates client c01/,
    ],
    [
      "an oracle where nobody knows",
      "baselines=[{label: oracle, clients: benign, aggregator: {name: last}}]",
      /baselines\.0\.clients: an oracle leaves/,
    ],
  ] as const) {
    it(`rejects ${what}`, () => {
      const file = text(
        what.includes("simulated") ? "attacks: [{attack: {name: declared}, clients: [c01]}]\n" : "",
      );
      assert.throws(() => parseTrial(file, "t.yaml", plugins, [more]), wanted);
    });
  }

  describe("external clients among simulated ones", () => {
    const parseMixed = (...more: string[]) =>
      parseTrial(
        "{ name: mixed, rounds: 1, clients: 4, task: { name: linear-regression }, external: [c02, c03], aggregator: { name: last } }",
        "t.yaml",
        plugins,
        more,
      );

    it("have an unknown truth until one of them is declared or the trial sets truth=known", () => {
      const unknown = (...more: string[]) => [...prepare(parseMixed(...more), plugins).unknown];
      assert.deepEqual(unknown(), ["c02", "c03"]);
      assert.deepEqual(unknown("attacks=[{attack: {name: own-update}, clients: [c00]}]"), [
        "c02",
        "c03",
      ]);
      assert.deepEqual(unknown("attacks=[{attack: {name: declared}, clients: [c03]}]"), []);
      assert.deepEqual(unknown("truth=known"), []);
      assert.deepEqual(
        unknown("truth=unknown", "attacks=[{attack: {name: forger}, clients: [c00]}]"),
        ["c01", "c02", "c03"],
      );
    });

    it("leave the other clients to a host, and cannot run in a single process", async () => {
      await new ClientRunner(prepare(parseMixed(), plugins)).prepare();
      await assert.rejects(
        new MemoryPool(new ClientRunner(prepare(parseMixed(), plugins))).ready(),
        /task linear-regression: 2 of its 4 clients live in hosts of their own.*`fedclair client .*that are simulated/,
      );
    });

    for (const [what, more, wanted] of [
      ["ids that are none", "external=[c04]", /external\.0: expected an id from c00 to c03/],
      ["ids twice", "external=[c01, c01]", /external\.1: client c01 is there twice/],
      [
        "names for clients of a task that are all external",
        "task={name: external}",
        /external: all clients of task external are external; leave it out/,
      ],
      [
        "a declaration of a simulated one",
        "attacks=[{attack: {name: declared}, clients: [c03, c01]}]",
        /declared does nothing by itself, and task linear-regression simulates client c01/,
      ],
      [
        "an attack on labels for simulated ones as well",
        "attacks=[{attack: {name: labels}, clients: [c01, c02]}]",
        /labels contaminates labels, and task linear-regression has none/,
      ],
      [
        "an attack on labels for clients that are drawn",
        "attacks=[{attack: {name: labels}, count: 1}]",
        /labels contaminates labels, and task linear-regression has none/,
      ],
      [
        "an oracle while nobody knows",
        "baselines=[{label: oracle, clients: benign, aggregator: {name: last}}]",
        /baselines\.0\.clients: an oracle leaves/,
      ],
    ] as const) {
      it(`reject ${what}`, () => {
        assert.throws(() => parseMixed(more), wanted);
      });
    }
  });

  it("names its Python code, in the folder of the trial file", () => {
    const parse = (more: string) =>
      parseTrial(text(more), "t.yaml", plugins, [], (path) => `/trials/${path}`);
    assert.deepEqual(parse("python: model:make_client\n").python, {
      clients: "model:make_client",
      folder: "/trials/.",
    });
    assert.throws(() => parse("python: model\n"), /python: .*expected module:name/);
    assert.throws(
      () => parse("python: model:make\nflower: app:app\n"),
      /flower: expected python or flower, got both/,
    );
    assert.throws(
      () =>
        parseTrial(text("python: model:make\n"), "t.yaml", plugins, [
          "task={name: linear-regression}",
        ]),
      /python: all clients are simulated, by task linear-regression/,
    );
  });

  it("accepts an attack on updates, and one that sees the round", () => {
    parseTrial(text("attacks: [{attack: {name: own-update}, count: 1}]\n"), "t.yaml", plugins);
    parseTrial(text("attacks: [{attack: {name: forger}, count: 1}]\n"), "t.yaml", plugins);
  });
});
