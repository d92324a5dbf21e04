import { z } from "zod";
import { countAttacked, clientIds } from "../contracts/clients.js";
import type { Plugin, Plugins, Registry } from "../contracts/plugin.js";
import { expectNamed } from "../words/did-you-mean.js";
import { pluginOptions, type PluginChoice } from "../contracts/plugin-choice.js";
import { locatedPlugin } from "../contracts/plugin-identity.js";
import { devicesSchema } from "./devices.js";
import { flowerSchema, pythonSchema } from "./python-clients.js";
import { scheduleSchema } from "./schedule.js";
import { seedsSchema } from "./seeds.js";
import { serverOptimizerSchema } from "./server-optimizer.js";
import { bounds, excerpt, isName } from "../words/text.js";

/** Creates the schema of one plug-in with its options, which rejects unknown names and keys. */
export function choiceSchema(
  registry: Registry<Plugin<unknown>>,
  what: string,
): z.ZodType<PluginChoice> {
  const choices = [...registry.values()].map((plugin) => {
    const schema = plugin.schema.safeExtend({ name: z.literal(plugin.name) });
    return schema.describe(plugin.summary);
  });
  const [first, ...rest] = choices;
  if (!first) return z.never(`no ${what} is registered`);
  const union = z.discriminatedUnion("name", [first, ...rest], {
    error: ({ input }) => expectNamed(input, [...registry.keys()]),
  });
  return union as unknown as z.ZodType<PluginChoice>;
}

/** Creates the plug-in that a choice names. @param choice one that passed the trial's schema */
export function createPlugin<T>(registry: Registry<Plugin<T>>, choice: PluginChoice): T {
  const plugin: Plugin<T> | undefined = registry.get(choice.name);
  if (!plugin) throw new Error(`no plug-in is called '${choice.name}'`);
  return plugin.create(pluginOptions(choice) as never);
}

/** The longest time limit: a timer of Node.js beyond 2³¹ ms fires at once. */
const longestSeconds = 2_000_000;

/** The length of a claim, in characters. Reports and tables repeat it. */
const longestClaim = 10_000;

/** The number of entries of `baselines` and of `attacks`. Each baseline is a run of its own. */
const mostEntries = 1000;

/** The number of clients that a trial may have: all ids of two million take 120 MB. */
export const clientTotal = z.int().min(1).max(2_000_000);

const seconds = z.number().positive().max(longestSeconds);
const count = z.int().min(1);
const fraction = z.number().gt(0).max(1);
const range = z
  .strictObject({
    min: z.number().optional(),
    max: z.number().optional(),
    of: z
      .enum(["every", "mean", "interval"])
      .optional()
      .describe(
        "What lies between min and max: every seed's value (default), their mean, or the 95 % interval of the mean.",
      ),
  })
  .refine((r) => r.min !== undefined || r.max !== undefined, "expected min, max or both");

const schemas = new WeakMap<Plugins, ReturnType<typeof makeSchema>>();

/**
 * Returns the schema of a trial file. Every key has a description, and
 * `fedclair plugins --schema` prints it as JSON Schema.
 */
export function trialSchema(plugins: Plugins): ReturnType<typeof makeSchema> {
  const schema = schemas.get(plugins) ?? makeSchema(plugins);
  schemas.set(plugins, schema);
  return schema;
}

function makeSchema(plugins: Plugins) {
  const aggregator = choiceSchema(plugins.aggregators, "aggregator");
  const serverOptimizer = serverOptimizerSchema
    .optional()
    .describe(
      "Momentum or adaptive steps at the coordinator, after the arm's aggregator. Default: none.",
    );
  const scaffold = z
    .boolean()
    .optional()
    .describe(
      "Whether the arm's clients correct their steps by control variates, as SCAFFOLD does. Default: false.",
    );
  const personal = choiceSchema(plugins.personal ?? new Map(), "personal method")
    .optional()
    .describe(
      "How the arm's clients make models of their own from the shared params. Default: they use the shared params.",
    );
  return z
    .strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]*$/, "expected lower-case letters, digits and hyphens")
        .describe("The name of the trial, its records and its run folder."),
      claim: z
        .string()
        .max(longestClaim)
        .optional()
        .describe("A sentence about what the trial shows."),
      seed: z.int().min(0).default(1).describe("The seed of every random number of the trial."),
      seeds: seedsSchema
        .optional()
        .describe(
          "Runs that differ by their seed: n for seed to seed + n - 1, or a list of seeds. Each draws its own data (dataSeed of the task is the seed) unless the file sets dataSeed. Default: one run.",
        ),
      rounds: z
        .int()
        .min(1)
        .max(1_000_000)
        .describe("The number of rounds of training and aggregation."),
      clients: clientTotal.describe("The number of clients, contaminated ones included."),
      cohort: z
        .union([z.literal("all"), z.strictObject({ count }), z.strictObject({ fraction })], {
          error: "expected all, { count: n } or { fraction: f }",
        })
        .default("all")
        .describe("The clients sampled for a round: all, a number, or a fraction."),
      sampling: z
        .enum(["random", "passes"])
        .optional()
        .describe(
          "random: each cohort is drawn from all clients. passes: every client takes part once before any takes part again. Default: random.",
        ),
      devices: devicesSchema
        .optional()
        .describe(
          "Simulated time: how fast clients are, and when they are available. Default: none.",
        ),
      schedule: scheduleSchema
        .optional()
        .describe("When a round ends, in simulated time. Default: synchronous."),
      external: z
        .array(z.string())
        .min(1)
        .optional()
        .describe(
          "Ids of external clients, which run in hosts of their own, like fedclair-host in Python. The others are simulated.",
        ),
      absent: z
        .array(
          z.strictObject({
            clients: z.array(z.string()).min(1).describe("Ids of clients, like c03."),
            from: z.int().min(1).default(1).describe("The first round without them."),
          }),
        )
        .min(1)
        .max(mostEntries)
        .optional()
        .describe(
          "Clients that take no part from a round on. Cohorts are drawn as if they were there, and then go on without them. Default: none.",
        ),
      python: pythonSchema,
      flower: flowerSchema,
      plugins: z
        .array(z.union([z.string().min(1), locatedPlugin]))
        .optional()
        .describe(
          "Modules of outside plug-ins: packages, or paths relative to this file (./my-task.js).",
        ),
      task: choiceSchema(plugins.tasks, "task").describe(
        "The task: what the clients learn, from which data.",
      ),
      aggregator: aggregator.describe("The aggregator of the main arm."),
      serverOptimizer,
      scaffold,
      personal,
      baselines: z
        .array(
          z.strictObject({
            label: z
              .string()
              .min(1)
              .refine(isName, `expected at most ${bounds.nameLength} printable characters`)
              .describe("The arm's name in tables and figures."),
            aggregator,
            serverOptimizer,
            scaffold,
            personal,
            clients: z
              .enum(["all", "benign"])
              .default("all")
              .describe("benign: an oracle that leaves the contaminated clients out."),
          }),
        )
        .max(mostEntries)
        .default([])
        .describe(
          "Arms to compare with. Each is a paired run with the same seed, data and initialisation.",
        ),
      weighting: z
        .enum(["samples", "uniform"])
        .optional()
        .describe(
          "How all rules of the trial that have the option `weighting` weigh clients, unless a rule sets it itself: by their number of samples, or equally. Default: each rule's own.",
        ),
      attacks: z
        .array(
          z
            .strictObject({
              attack: choiceSchema(plugins.attacks, "attack"),
              clients: z.array(z.string()).min(1).optional().describe("Ids of clients, like c03."),
              count: count.optional().describe("This many clients, drawn at random."),
              fraction: fraction
                .optional()
                .describe("This fraction of all clients, rounded to the nearest client."),
            })
            .refine(
              (a) => [a.clients, a.count, a.fraction].filter((x) => x !== undefined).length === 1,
              "expected exactly one of clients, count and fraction",
            ),
        )
        .max(mostEntries)
        .default([])
        .describe("Which clients are contaminated, and how."),
      mods: z
        .array(choiceSchema(plugins.mods ?? new Map(), "mod"))
        .optional()
        .describe(
          "Mods that change every update on its way, in this order: clipping, noise, an encoding. Default: none.",
        ),
      truth: z
        .enum(["known", "unknown"])
        .optional()
        .describe(
          "Are clients that no attack lists known to be benign? Default: known, except for external clients if no attack lists any of them.",
        ),
      holdBack: z
        .number()
        .min(0)
        .lt(1)
        .optional()
        .describe(
          "The share of its training data that each client holds back, in [0, 1). On these data it chooses which refined version of its change to keep, if any. Default: 0, and every refined change is kept.",
        ),
      evaluate: z
        .enum(["cohort", "never"])
        .default("cohort")
        .describe("Which benign clients measure the new params on their own data after a round?"),
      target: z
        .strictObject({ metric: z.string().min(1), value: z.number() })
        .optional()
        .describe(
          "A level of a metric. The report shows when each arm reaches it, in rounds and simulated time.",
        ),
      limits: z
        .strictObject({
          quorum: fraction
            .default(0.5)
            .describe("The fraction of a cohort whose updates must be admitted."),
          maxLost: z
            .int()
            .min(0)
            .default(0)
            .describe(
              "The number of answers that may be lost in the whole trial before the exit code is 5.",
            ),
          answerSeconds: seconds
            .default(60)
            .describe("A round closes when no client has answered for this long."),
          clientSeconds: seconds
            .default(30)
            .describe(
              "A client whose job takes longer fails with CLIENT_TIMEOUT; if it blocks its thread, with CLIENT_HUNG.",
            ),
          hangRetries: z
            .int()
            .min(0)
            .default(0)
            .describe("How often a client that hung (CLIENT_HUNG) is asked again in an arm."),
          serverSeconds: seconds
            .default(600)
            .describe(
              "An outside aggregator, step, attack or mod that takes longer at the coordinator ends its arm.",
            ),
          joinSeconds: seconds.default(60).describe("The time for all hosts to join."),
          chunkBytes: z
            .int()
            .min(1024)
            .max(64 << 20)
            .default(1 << 20)
            .describe("The largest frame."),
          maxMessageBytes: z
            .int()
            .min(1024)
            .max(1 << 30)
            .default(256 << 20)
            .describe("The largest message, in any number of frames."),
        })
        .prefault({}),
      expect: z
        .strictObject({
          seeds: seedsSchema
            .optional()
            .describe("Seeds to verify. Default: `seeds` of the trial, or else its seed."),
          measures: z.record(z.string(), range),
        })
        .optional()
        .describe("Ranges for `fedclair verify`, for every seed or for the mean over seeds."),
    })
    .superRefine((trial, context) => {
      for (const [path, message] of findContradictions(trial)) {
        context.addIssue({ code: "custom", path, message });
      }
    });
}

/** A trial as it runs: every default filled in, and with one seed. */
export type Trial = Omit<z.output<ReturnType<typeof trialSchema>>, "seeds" | "weighting">;

/** Yields the contradictions between keys, each as [path, message]. */
function* findContradictions(trial: Trial): Generator<[(string | number)[], string]> {
  const { clients, cohort, attacks, baselines, aggregator } = trial;
  if (cohort !== "all" && "count" in cohort && cohort.count > clients) {
    yield [["cohort", "count"], `expected at most clients = ${clients}, got ${cohort.count}`];
  }
  if (trial.sampling === "passes" && trial.devices) {
    const message =
      "passes asks every client in its turn, and devices makes some unavailable: leave one of the two out";
    yield [["sampling"], message];
  }
  if (trial.schedule && trial.schedule.name !== "synchronous" && !trial.devices) {
    const message = `${trial.schedule.name} goes by simulated time: say devices too, as { seconds: { median: 10, sigma: 0.5 } }`;
    yield [["schedule"], message];
  }
  const { answerSeconds, clientSeconds } = trial.limits;
  if (answerSeconds <= clientSeconds) {
    // Otherwise one silent client would make every client late that waits behind it on its host.
    const message = `expected more than limits.clientSeconds = ${clientSeconds}, got ${answerSeconds}`;
    yield [["limits", "answerSeconds"], message];
  }
  if (trial.python !== undefined && trial.flower !== undefined)
    yield [["flower"], "expected python or flower, got both"];
  const { external = [], absent = [] } = trial;
  const namesClients =
    external.length > 0 || absent.length > 0 || attacks.some((entry) => entry.clients);
  const ids = new Set(namesClients ? clientIds(clients) : []);
  const contaminated = new Set<string>();
  for (const [i, entry] of attacks.entries()) {
    if (entry.fraction !== undefined && countAttacked(entry, clients) === 0) {
      const message = `${entry.fraction} of ${clients} clients is none; raise it, or use count`;
      yield [["attacks", i, "fraction"], message];
    }
    const path = ["attacks", i, "clients"];
    yield* checkNamed(entry.clients, path, ids, contaminated, "contaminated");
  }
  yield* checkNamed(external, ["external"], ids, new Set(), "there");
  const left = new Set<string>();
  for (const [i, entry] of absent.entries()) {
    if (entry.from > trial.rounds) {
      const message = `expected at most rounds = ${trial.rounds}, got ${entry.from}`;
      yield [["absent", i, "from"], message];
    }
    yield* checkNamed(entry.clients, ["absent", i, "clients"], ids, left, "absent");
  }
  const total = attacks.reduce((sum, entry) => sum + countAttacked(entry, clients), 0);
  if (total > clients) {
    yield [["attacks"], `expected at most clients = ${clients} contaminated, got ${total}`];
  }
  const mods = (trial.mods ?? []).map(({ name }) => name);
  for (const [i, name] of mods.entries()) {
    if (mods.indexOf(name) < i) yield [["mods", i], `mod ${name} is there twice; name it once`];
  }
  const main = trial.personal?.name ?? aggregator.name;
  const labels = [main, ...baselines.map((b) => b.label)];
  for (const [i, { label }] of baselines.entries()) {
    if (labels.indexOf(label) !== i + 1) {
      yield [
        ["baselines", i, "label"],
        `expected a label of its own, '${excerpt(label)}' is taken`,
      ];
    }
  }
}

/**
 * Yields the ids in a list that are no clients of the trial, or that were named before.
 * @param named the ids that were named before; those of the list are added
 * @param state what a client that is named twice would be twice, for the message
 */
function* checkNamed(
  list: readonly string[] = [],
  path: readonly (string | number)[],
  ids: ReadonlySet<string>,
  named: Set<string>,
  state: string,
): Generator<[(string | number)[], string]> {
  for (const [i, id] of list.entries()) {
    if (!ids.has(id)) {
      const range = `${[...ids][0]} to ${[...ids].at(-1)}`;
      yield [[...path, i], `expected an id from ${range}, got '${excerpt(id)}'`];
    } else if (named.has(id)) {
      yield [[...path, i], `client ${id} is ${state} twice; name it once`];
    }
    named.add(id);
  }
}
