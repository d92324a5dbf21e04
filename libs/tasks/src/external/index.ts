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
import { noOwnData } from "../data/own-data.js";

const name = z.string().min(1).max(128);

const schema = z
  .strictObject({
    source: noOwnData(
      "In the task external, the data are with the hosts (docs/python-clients.md).",
    ),
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
        "from-first-host: before round 1 one client supplies the params from which all start. Otherwise modules by name, which start as zeros",
      ),
    metrics: z
      .record(
        name,
        z.strictObject({
          better: z
            .enum(["higher", "lower"])
            .optional()
            .describe("Direction of improvement; unknown if omitted"),
          unit: z.string().max(32).optional(),
          description: z.string().max(256).default("as the clients report it"),
        }),
      )
      .default({})
      .describe(
        "Metrics that the clients report, by name; others are shown too, without a direction",
      ),
    primary: name
      .optional()
      .describe("Primary metric for comparing arms; default: the first of metrics"),
  })
  .superRefine(({ modules, metrics, primary }, context) => {
    const reject = (path: string, message: string) => {
      context.addIssue({ code: "custom", path: [path], message });
    };
    if (primary !== undefined && !Object.hasOwn(metrics, primary)) {
      const names = Object.keys(metrics).join(", ") || "none is there";
      reject("primary", `expected one of metrics (${names}), got '${primary}'`);
    }
    if (modules === "from-first-host") return;
    const numbers = Object.values(modules).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (numbers === 0) reject("modules", "expected at least one module");
    if (numbers > maximumNumbers)
      reject("modules", `expected at most ${maximumNumbers} numbers, got ${numbers}`);
  });

type Options = z.output<typeof schema>;

/**
 * 1 GiB in float32. All params travel in one message, and this is the largest that a trial may
 * allow.
 */
const maximumNumbers = 2 ** 28;

/**
 * A federation whose model and data live with its hosts, such as those of apps/client-python. The
 * coordinator knows modules and shapes, aggregates and judges. It reports the means of the clients'
 * training metrics over the clients that it does not flag.
 */
export const external: TaskPlugin = {
  name: "external",
  summary:
    "Clients in external hosts, such as Python's fedclair-host, which own the model and the data.",
  schema,
  isExternal: true,
  acceptsStale: () => true,
  measures: ({ metrics, primary = Object.keys(metrics)[0] }: Options): Measures => ({
    metrics: Object.fromEntries(
      Object.entries(metrics).flatMap(([key, { better, unit, description }]) => {
        const info = { ...(better && { better }), ...(unit !== undefined && { unit }) };
        return [
          [key, { description, ...info }],
          [toTrainingMetric(key), { description: `${description}, in training`, ...info }],
        ];
      }),
    ),
    ...(primary !== undefined && { primary }),
  }),
  create: ({ modules, metrics }: Options): Task => ({
    start: () =>
      Promise.resolve(
        modules === "from-first-host" ? { params: "client" } : { params: createZeros(modules) },
      ),
    step: async ({ updates }, aggregate) => {
      const { verdicts = [] } = await aggregate();
      const left = new Set(verdicts.flatMap(({ clientId, pooled }) => (pooled ? [] : [clientId])));
      const pooled = updates.filter(({ clientId }) => !left.has(clientId));
      return { metrics: computeMeans(Object.keys(metrics), pooled) };
    },
    openShard: () => Promise.reject(new Error("no client of the task external is simulated")),
  }),
};

/**
 * Names the metric that a client reports with its training, as opposed to the one that it measures
 * when it evaluates given params.
 */
function toTrainingMetric(metric: string): string {
  return `train.${metric}`;
}

/**
 * Computes means over clients, weighted by their samples. Only metrics that the trial declares are
 * included, so that no client can add others.
 */
function computeMeans(names: readonly string[], updates: readonly Update[]): Metrics {
  const means = names.flatMap((name): [string, number][] => {
    const reporting = updates.filter(({ metrics }) => Object.hasOwn(metrics, name));
    const samples = reporting.reduce((sum, { numExamples }) => sum + numExamples, 0);
    const total = reporting.reduce((sum, u) => sum + u.numExamples * (u.metrics[name] ?? 0), 0);
    return reporting.length === 0 ? [] : [[toTrainingMetric(name), total / samples]];
  });
  return Object.fromEntries(means);
}

function createZeros(modules: Exclude<Options["modules"], string>): Params {
  return new Map(
    Object.entries(modules).map(([name, { shape, dtype }]) => [name, zeros(shape, dtype)]),
  );
}
