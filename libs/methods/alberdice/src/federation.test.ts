import {
  binaryVerdict,
  UserError,
  type Aggregator,
  type Attack,
  type Params,
  type Plugin,
  type Plugins,
} from "@fedclair/core";
import { clientIds, trialSchema, type RoundDone } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { z } from "zod";
import { alberdice } from "./task.js";
import { cosineRule } from "./cosine-rule.js";
import { roundOf, start, stepOf } from "@fedclair/tasks/testing";
import { play } from "@fedclair/core/testing";
import { assertWithin } from "../testing/datasets.js";
import { noClients } from "@fedclair/tasks/testing";

/**
 * An aggregator without verdicts. The task pools the answers itself, so its change does not matter.
 */
const everybody: Plugin<Aggregator> = {
  name: "everybody",
  summary: "No verdicts.",
  schema: z.strictObject({}),
  create: () => ({ aggregate: () => Promise.resolve({ change: [] }) }),
};

/** An aggregator that reports all clients as benign, like a detector that misses the attack. */
const trusting: Plugin<Aggregator> = {
  name: "trusting",
  summary: "All benign.",
  schema: z.strictObject({}),
  create: () => ({
    aggregate: ({ updates }) =>
      Promise.resolve({
        change: [],
        verdicts: updates.map(({ clientId }) => binaryVerdict(clientId, false, 0, 1)),
      }),
  }),
};

const data: Plugin<Attack> = {
  name: "data",
  summary: "Contaminates data.",
  schema: z.strictObject({ kind: z.string() }),
  create: ({ kind }: { kind: string }) => ({ label: kind, data: { kind, options: {} } }),
};

const byName = <T extends { readonly name: string }>(...plugins: readonly T[]) =>
  new Map(plugins.map((plugin) => [plugin.name, plugin]));

const plugins: Plugins = {
  tasks: byName(alberdice),
  aggregators: byName(everybody, trusting, cosineRule),
  attacks: byName(data),
};

const modes = [
  [0, 1],
  [1, 0],
];

interface Settings {
  readonly clients?: number;
  readonly rounds?: number;
  readonly aggregator?: string;
  readonly evaluate?: "never" | "cohort";
  readonly kind?: string;
  readonly contaminated?: number;
  readonly task?: object;
  readonly seed?: number;
}

/** Runs a trial on XOR by default. */
async function run({ task: options, ...settings }: Settings): Promise<readonly RoundDone[]> {
  const { kind, contaminated = 3 } = settings;
  const trial = trialSchema(plugins).parse({
    name: "federation",
    evaluate: settings.evaluate ?? "never",
    seed: settings.seed ?? 1,
    clients: settings.clients ?? 10,
    rounds: settings.rounds ?? 16,
    task: { name: "alberdice", environment: { name: "matrix" }, enforceClip: false, ...options },
    aggregator: { name: settings.aggregator ?? "everybody" },
    attacks: kind ? [{ attack: { name: "data", kind }, count: contaminated }] : [],
  });
  return (await play(trial, plugins)).rounds;
}

const returnOf = (rounds: readonly RoundDone[]) => rounds.at(-1)?.record.metrics["return"] ?? NaN;
const seeds = Array.from({ length: 10 }, (_, k) => k + 1);

describe("methods to compare with", () => {
  it("mix the two best joint actions of XOR, where AlberDICE settles on one", async () => {
    const play = async (method: string, extra: object = {}) => {
      const task = { environment: { name: "matrix", data: modes }, method, ...extra };
      const rounds = await run({ clients: 1, evaluate: "cohort", task });
      const [client] = rounds.at(-1)?.record.clients ?? [];
      return [returnOf(rounds), client?.evaluation?.["unseenShare"] ?? NaN] as const;
    };
    const [own, unseen] = await play("alberdice");
    assertWithin(own, 0.99, 1);
    assertWithin(unseen, 0, 0.01);
    for (const method of ["behaviour-cloning", "optidice"]) {
      const [mixed, outside] = await play(method, { alphaLast: 0.01 });
      // Both play A about half of the time: the four joint actions pay 0, 1, 1 and -2.
      assertWithin(mixed, -0.2, 0.1);
      assertWithin(outside, 0.4, 0.55);
    }
  });
});

describe("federated XOR", () => {
  for (const [name, environment] of [
    ["{AB, BA}", { name: "matrix", data: modes }],
    ["all", { name: "matrix" }],
  ] as const) {
    it(`finds a best joint action of ${name} in both modes, while averaging local policies does not`, async () => {
      for (const seed of seeds) {
        assertWithin(returnOf(await run({ seed, task: { environment } })), 0.99, 1);
        const owners = { seed, clients: 2, task: { environment, mode: "agent-per-client" } };
        assertWithin(returnOf(await run(owners)), 0.99, 1);
      }
      // About one trial in four splits the ten clients five to five between the modes. Ten trials
      // might contain only one such split.
      const averagedReturns: number[] = [];
      for (let seed = 1; seed <= 20; seed++) {
        const average = { seed, task: { environment, mode: "local-then-average", sweeps: 40 } };
        averagedReturns.push(returnOf(await run(average)));
      }
      assertWithin(
        averagedReturns.reduce((total, x) => total + x, 0) / averagedReturns.length,
        -2,
        0.85,
      );
      assertWithin(Math.min(...averagedReturns), -2, 0.1);
    });

    it(`survives three reversed clients on ${name} with the median but not with the mean`, async () => {
      for (const seed of [1, 2, 3]) {
        const reversed = { seed, kind: "reverse", task: { environment } };
        assertWithin(returnOf(await run(reversed)), -2, 0.1);
        const median = { ...reversed, task: { environment, pooling: "median" } };
        assertWithin(returnOf(await run(median)), 0.99, 1);
      }
    });
  }

  it("gives each client of agent-per-client its own agent's turn", async () => {
    const rounds = await run({
      clients: 2,
      rounds: 99,
      task: { mode: "agent-per-client", sweeps: 2 },
    });
    assert.deepEqual(
      rounds.map(({ record }) => [record.phase, record.clients.map(({ clientId }) => clientId)]),
      [
        ["agent0", ["c00"]],
        ["agent1", ["c01"]],
        ["agent0", ["c00"]],
        ["agent1", ["c01"]],
      ],
    );
  });
});

describe("the screen", () => {
  it("drops reversed answers that the aggregator admits", async () => {
    const settings = {
      aggregator: "trusting",
      kind: "reverse",
      task: { environment: { name: "matrix", data: modes } },
    };
    const screened = await run(settings);
    const flagsExactlyReversed = (rounds: readonly RoundDone[]) =>
      rounds.map(
        ({ record }) =>
          record.clients
            .filter(({ verdict }) => verdict === "contaminated")
            .every(({ attack }) => attack === "reverse") &&
          record.clients.filter(({ verdict }) => verdict === "contaminated").length === 3,
      );
    // In the first rounds the penalty outweighs the reward, and answers with two entries can point
    // anywhere.
    assertWithin(flagsExactlyReversed(screened).filter(Boolean).length, 14, 16);
    assertWithin(returnOf(screened), 0.99, 1);
    const open = await run({ ...settings, task: { ...settings.task, screen: false } });
    assert.ok(flagsExactlyReversed(open).every((all) => !all));
    assertWithin(returnOf(open), -2, 0.1);
  });

  it("an answer beyond the clip is invalid unless the trial allows it", async () => {
    const settings = {
      kind: "noise",
      task: { environment: { name: "matrix", data: modes }, enforceClip: true, clip: 1 },
    };
    const verdicts = (await run({ ...settings, rounds: 4 })).map(({ record }) =>
      record.clients.filter(({ verdict }) => verdict === "invalid").map((c) => c.attack),
    );
    assert.ok(verdicts.some((kinds) => kinds.length > 0));
    assert.ok(verdicts.flat().every((kind) => kind === "noise"));
  });

  it("a contaminated majority of flipped rewards cannot be told from a benign one, but without it the trial succeeds", async () => {
    const flipped = { kind: "flip", contaminated: 6 };
    assertWithin(returnOf(await run(flipped)), -2, 0.1);
    assertWithin(returnOf(await run({ clients: 4 })), 0.99, 1);
  });

  for (const kind of ["random", "permute", "flip"]) {
    it(`three of ten clients of kind ${kind} do no harm on XOR with all joint actions`, async () => {
      assertWithin(returnOf(await run({ kind })), 0.99, 1);
    });
  }
});

describe("federated networks", () => {
  const learner = { name: "network", hidden: 16, learningRate: 1e-2, dataRounds: 1, anneal: 0.6 };
  const annealing = { sweeps: 30, alphaFirst: 1, alphaLast: 0.02 };
  const options = {
    environment: { name: "matrix", data: modes },
    learner,
    ...annealing,
    enforceClip: true,
  };

  it("settle on one best joint action together, training data policies first and then the agents in turn", async () => {
    const settings = { clients: 2, aggregator: "cosine-rule", rounds: 99 };
    const rounds = await run({ ...settings, task: options });
    assertWithin(returnOf(rounds), 0.98, 1);
    const phases = rounds.map(({ record }) => record.phase);
    assert.deepEqual(phases.slice(0, 4), ["data", "agent0", "agent1", "agent0"]);
    assert.equal(phases.length, 1 + 2 * annealing.sweeps);
  });

  it("repeat bit for bit and leak no tensor", async () => {
    const brief = { ...options, learner: { ...learner, dataSteps: 20 } };
    const settings: Settings = {
      clients: 3,
      contaminated: 1,
      rounds: 4,
      aggregator: "cosine-rule",
      kind: "permute",
      evaluate: "cohort" as const,
      task: brief,
    };
    const records = async () => JSON.stringify((await run(settings)).map(({ record }) => record));
    const first = await records();
    const tensors = tf.memory().numTensors;
    assert.equal(await records(), first);
    assert.equal(tf.memory().numTensors, tensors);
    assert.match(first, /regularisedNashGap/);
  });

  it("reject options for tables, and a penalty that is too small for networks", () => {
    const assertRejects = (changed: object, message: RegExp) => {
      assert.throws(() => alberdice.schema.parse({ ...options, ...changed }), message);
    };
    assertRejects({ pooling: "median" }, /pooling.*leave it out with learner network, or at mean/s);
    assertRejects({ mode: "agent-per-client" }, /mode.*learner tabular/s);
    assertRejects({ enforceClip: false }, /enforceClip/);
    assertRejects({ alphaLast: 0.001 }, /expected at least 0.01 with learner network.* got 0.001/);
    assertRejects({ learner: { ...learner, rank: 4 } }, /rank/);
    const kinds = alberdice.contaminations?.(alberdice.schema.parse(options) as never);
    assert.deepEqual([...(kinds?.keys() ?? [])], ["flip", "random", "permute"]);
  });

  it("share their params, so an aggregator that gives every client its own change is rejected", () => {
    assert.ok(alberdice.sharesParams?.(alberdice.schema.parse(options) as never));
  });
});

describe("a federated trial", () => {
  it("repeats bit for bit", async () => {
    const settings = { kind: "noise", rounds: 4, aggregator: "cosine-rule" };
    const records = async () => JSON.stringify((await run(settings)).map(({ record }) => record));
    assert.equal(await records(), await records());
  });

  it("records the artifacts that its figures need", async () => {
    const rounds = await run({ aggregator: "cosine-rule", rounds: 2 });
    const input = {
      task: { name: "alberdice", environment: { name: "matrix" } },
      artifacts: rounds.flatMap(({ record, artifacts }) =>
        Object.entries(artifacts).map(([name, value]) => ({
          arm: "cosine-rule",
          round: record.round,
          name,
          value: JSON.parse(JSON.stringify(value)) as unknown,
        })),
      ),
      arms: [{ label: "cosine-rule", colour: "#0072b2" }],
      clients: noClients,
      width: 700,
    };
    assert.deepEqual(
      (await alberdice.figures?.(input))?.map(({ name }) => name),
      ["joint-policy", "return", "directions"],
    );
  });

  it("lets clients measure how near the policies are to a Nash policy of their own data", async () => {
    const settings = {
      evaluate: "cohort",
      task: { environment: { name: "matrix", data: modes } },
    } as const;
    const evaluations = (await run(settings))
      .at(-1)
      ?.record.clients.map(({ evaluation }) => evaluation);
    assert.equal(evaluations?.length, 10);
    for (const evaluation of evaluations) {
      assertWithin(evaluation?.["regularisedNashGap"] ?? NaN, -1e-9, 0.01);
      assertWithin(evaluation?.["objective"] ?? NaN, 0.98, 1);
    }
  });

  it("reports invalid options", () => {
    const assertRejects = (options: object, message: RegExp) => {
      assert.throws(() => alberdice.schema.parse(options), message);
    };
    assertRejects({ environment: { name: "chess" } }, /bridge/);
    assertRejects(
      { environment: { name: "bridge", random: 0, optimal: 0 } },
      /at least one episode/,
    );
    assertRejects(
      { environment: { name: "matrix", payoff: [[1, 2], [3]] } },
      /expected 2 entries, as in row 0, got 1/,
    );
    assertRejects(
      { environment: { name: "matrix", data: [[0, 2]] } },
      /expected actions below 2 and 2, got 0 and 2/,
    );
    assertRejects({ eps: 0 }, /eps/);
    assertRejects({ alphaLast: 0 }, /alphaLast/);
    assertRejects({ sweep: 3 }, /sweep/);
  });

  it("rejects a number of clients that does not fit the mode", () => {
    const perClient = alberdice.schema.parse({ mode: "agent-per-client" }) as never;
    assert.throws(() => alberdice.checkClients?.(3, perClient), UserError);
    alberdice.checkClients?.(2, perClient);
  });
});

describe("missing answers", () => {
  const shape = [1, 2];
  const table = (x: number) => ({ shape, data: Float64Array.of(x, -x) });

  /**
   * Returns agent 0's first logit after each round. In each round the given number of clients
   * answer, all with the given logit.
   */
  async function logitsAfter(rounds: readonly (readonly [answers: number, logit: number])[]) {
    const options = alberdice.schema.parse({ environment: { name: "matrix" } });
    const task = await alberdice.create(options as never);
    const ids = clientIds(10);
    let { state } = await start(task, stream("lost"), ids);
    let params: Params = new Map([
      ["agent0", table(0)],
      ["agent1", table(0)],
    ]);
    const logits: (number | undefined)[] = [];
    for (const [answers, logit] of rounds) {
      const visits = { shape: [1], data: Float64Array.of(1) };
      const modules = new Map([["agent0", table(logit)] as const, ["visits", visits] as const]);
      const updates = ids.slice(0, answers).map((clientId) => {
        return { clientId, numExamples: 1, metrics: {}, delta: modules };
      });
      const round = roundOf({ phase: "agent0", params, updates, clientIds: ids, state });
      const { step } = await stepOf(task, round);
      ({ params = params, state } = step);
      logits.push(params.get("agent0")?.data[0]);
    }
    return logits;
  }

  it("leave an agent's policy unchanged if fewer than three are valid, or fewer than half of those pooled before", async () => {
    assert.deepEqual(await logitsAfter([[2, 1]]), [0]);
    const rounds = [[8, 1] as const, [3, 2] as const, [3, 3] as const];
    assert.deepEqual(await logitsAfter(rounds), [1, 1, 3]);
  });

  it("count only if they are valid", async () => {
    // Three answers beyond the clip count as none.
    assert.deepEqual(await logitsAfter([[3, 11]]), [0]);
  });
});

describe("local-then-average", () => {
  it("reports a client as invalid if its answer for any agent is invalid", async () => {
    const options = alberdice.schema.parse({
      environment: { name: "matrix" },
      mode: "local-then-average",
    });
    const task = await alberdice.create(options as never);
    const table = (x: number) => ({ shape: [1, 2], data: Float64Array.of(x, -x) });
    const visits = { shape: [1], data: Float64Array.of(1) };
    const update = (clientId: string, first: number) => ({
      clientId,
      numExamples: 1,
      metrics: {},
      delta: new Map([
        ["agent0", table(first)] as const,
        ["agent1", table(1)] as const,
        ["visits", visits] as const,
      ]),
    });
    const params: Params = new Map([
      ["agent0", table(0)],
      ["agent1", table(0)],
    ]);
    const updates = [update("c00", 11), update("c01", 2)];
    const { state } = await start(task, stream("all"));
    const round = roundOf({ phase: "all-agents", params, updates, state });
    const { step } = await stepOf(task, round);
    assert.deepEqual(
      step.verdicts?.map(({ clientId, status }) => [clientId, status]),
      [["c00", "invalid"]],
    );
    assert.equal(step.params?.get("agent0")?.data[0], 2);
  });
});
