import {
  sizeOf,
  zeros,
  type Measures,
  type Metrics,
  type Params,
  type Task,
  type TaskPlugin,
  type Update,
} from "@fedclair/core";
import { z } from "zod";

const name = z.string().min(1).max(128);

const schema = z
  .strictObject({
    modules: z
      .union(
        [
          z.literal("from-first-host"),
          z.record(
            name,
            z.strictObject({
              shape: z.array(z.int().min(1)).max(8).describe("Extents, outermost first"),
              dtype: z.enum(["f32", "f64"]).default("f32"),
            }),
          ),
        ],
        { error: "expected from-first-host, or modules as { weights: { shape: [10, 4] } }" },
      )
      .default("from-first-host")
      .describe(
        "What is learnt: a client is asked before round 1 for the params that all start from; or modules by name, which start as zeros",
      ),
    metrics: z
      .record(
        name,
        z.strictObject({
          better: z.enum(["higher", "lower"]).optional().describe("Unknown if it is left out"),
          unit: z.string().max(32).optional(),
          description: z.string().max(256).default("as the clients report it"),
        }),
      )
      .default({})
      .describe("What the clients report, by name; others are shown too, without a direction"),
    primary: name
      .optional()
      .describe("The metric by which methods are compared first; default: the first of metrics"),
  })
  .superRefine(({ modules, metrics, primary }, context) => {
    const refuse = (path: string, message: string) => {
      context.addIssue({ code: "custom", path: [path], message });
    };
    if (primary !== undefined && !Object.hasOwn(metrics, primary)) {
      const names = Object.keys(metrics).join(", ") || "none is there";
      refuse("primary", `expected one of metrics (${names}), got '${primary}'`);
    }
    if (modules === "from-first-host") return;
    const numbers = Object.values(modules).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (numbers === 0) refuse("modules", "expected at least one module");
    if (numbers > mostNumbers)
      refuse("modules", `expected at most ${mostNumbers} numbers, got ${numbers}`);
  });

type Options = z.output<typeof schema>;

/** 1 GiB in float32, the largest message that a trial may allow: the params travel in one. */
const mostNumbers = 2 ** 28;

/**
 * A federation whose model and data live with its hosts, as those of apps/client-python: the coordinator knows modules and
 * shapes, aggregates and judges. Of what clients report of their training it gives means, over those that it does not flag.
 */
export const external: TaskPlugin = {
  name: "external",
  summary: "Clients of hosts outside, as fedclair-host of Python: the model is theirs.",
  schema,
  isExternal: true,
  measures: ({ metrics, primary = Object.keys(metrics)[0] }: Options): Measures => ({
    metrics: Object.fromEntries(
      Object.entries(metrics).flatMap(([key, { better, unit, description }]) => {
        const info = { ...(better && { better }), ...(unit !== undefined && { unit }) };
        return [
          [key, { description, ...info }],
          [trained(key), { description: `${description}, in training`, ...info }],
        ];
      }),
    ),
    ...(primary !== undefined && { primary }),
  }),
  create: ({ modules, metrics }: Options): Task => ({
    start: () =>
      Promise.resolve(
        modules === "from-first-host" ? { params: "client" } : { params: zerosOf(modules) },
      ),
    step: async ({ updates }, aggregate) => {
      const { verdicts = [] } = await aggregate();
      const left = new Set(verdicts.flatMap(({ clientId, pooled }) => (pooled ? [] : [clientId])));
      const pooled = updates.filter(({ clientId }) => !left.has(clientId));
      return { metrics: meansOf(Object.keys(metrics), pooled) };
    },
    openShard: () => Promise.reject(new Error("no client of the task external is simulated")),
  }),
};

/** The name of what clients report of their training, apart from what they measure of params that they are given. */
function trained(metric: string): string {
  return `train.${metric}`;
}

/** Means over clients, each weighted by its samples; of the metrics that the trial names, so that no client adds to them. */
function meansOf(names: readonly string[], updates: readonly Update[]): Metrics {
  const means = names.flatMap((name): [string, number][] => {
    const having = updates.filter(({ metrics }) => Object.hasOwn(metrics, name));
    const samples = having.reduce((sum, { numExamples }) => sum + numExamples, 0);
    const total = having.reduce((sum, u) => sum + u.numExamples * (u.metrics[name] ?? 0), 0);
    return having.length === 0 ? [] : [[trained(name), total / samples]];
  });
  return Object.fromEntries(means);
}

function zerosOf(modules: Exclude<Options["modules"], string>): Params {
  return new Map(
    Object.entries(modules).map(([name, { shape, dtype }]) => [name, zeros(shape, dtype)]),
  );
}
