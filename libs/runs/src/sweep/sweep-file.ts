import { UserError, type Plugins } from "@fedclair/core";
import {
  explainExternalHosts,
  prepareResolvedTrial,
  readTrialSource,
  resolveTrial,
  type PreparedTrial,
  type TrialSource,
} from "@fedclair/core/internal";
import { stringify } from "yaml";
import { z } from "zod";
import { readTrace } from "../read-trace.js";
import { trialHash } from "../trial-hash.js";
import { expand, type Dimension } from "./expand.js";

const measureSchema = z.union([
  z.string(),
  z.strictObject({ measure: z.string(), worse: z.enum(["low", "high"]).optional() }),
]);

const sectionSchema = z.strictObject(
  {
    rows: z
      .string()
      .optional()
      .describe("Path of the dimension for the rows of the tables; default: the first one."),
    columns: z
      .string()
      .optional()
      .describe("Path of the dimension for the columns; default: the next one."),
    measures: z
      .array(measureSchema)
      .min(1)
      .describe(
        "Measures of the summary, each with the end of the scale that is worse; default: derived from the task's description of its metrics.",
      ),
  },
  {
    error: ({ input }) =>
      input === undefined
        ? "expected a section `sweep`; for a single trial, use fedclair run"
        : undefined,
  },
);

const sweepSchema = z.looseObject(
  { sweep: sectionSchema },
  {
    error: ({ code }) =>
      code === "invalid_type" ? "expected a trial with a section `sweep`" : undefined,
  },
);

/** A measure that the tables show. */
export interface SweepMeasure {
  readonly measure: string;
  /** Default: derived from the measure's description. */
  readonly worse?: "low" | "high" | undefined;
}

/** A grid of trials. */
export interface Sweep {
  readonly name: string;
  readonly claim: string | undefined;
  readonly dimensions: readonly Dimension[];
  readonly rows: Dimension | undefined;
  readonly columns: Dimension | undefined;
  readonly measures: readonly SweepMeasure[];
  readonly trials: readonly SweepTrial[];
}

export interface SweepTrial extends Pick<
  PreparedTrial,
  "trial" | "taskPlugin" | "measures" | "notices"
> {
  /**
   * A hash of everything that the trial's numbers depend on, except the backend. It is also the
   * name of the trial's folder.
   */
  readonly id: string;
  /** The label of each dimension's value, by the dimension's path. */
  readonly at: ReadonlyMap<string, string>;
  /** Prepares the trial again, so that the data of finished trials are not kept in memory. */
  prepare(): Promise<PreparedTrial>;
}

/** Tables show means over this dimension. */
export const seedPath = "seed";

/**
 * Reads a sweep: a trial file in which any value may be a list of values, with a section `sweep`
 * that describes the tables.
 * @throws UserError that names the file and, for a faulty trial, its place in the grid
 */
export function parseSweep({ file, yaml, resolvePath }: TrialSource, plugins: Plugins): Sweep {
  const { sweep: section, ...content } = yaml.check(sweepSchema);
  const { dimensions, points } = expand(content, createListTest(plugins));
  const trials = points.map(({ content: point, at }): SweepTrial => {
    const place = [...at].map(([path, label]) => `${path} = ${label}`).join(", ");
    const name = `${file} [${place}]`;
    const source = readTrialSource(stringify(point), name, [], resolvePath);
    const prepared = prepareResolvedTrial(resolveTrial(source, plugins), plugins, name);
    const { trial, taskPlugin, measures, notices } = prepared;
    const why = explainExternalHosts(prepared);
    if (why !== undefined)
      throw new UserError(`${name}: a sweep simulates all clients itself; ${why}`);
    const prepare = () =>
      Promise.resolve(prepareResolvedTrial(trial, plugins, name, readTrace(trial)));
    return { id: trialHash(trial), trial, taskPlugin, measures, notices, at, prepare };
  });
  const withoutSeed = dimensions.filter(({ path }) => path !== seedPath);
  const pick = (path: string | undefined, fallback: Dimension | undefined, key: string) => {
    if (path === undefined) return fallback;
    const found = dimensions.find((dimension) => dimension.path === path);
    if (found) return found;
    const known = dimensions.map((dimension) => dimension.path).join(", ") || "none";
    throw new UserError(
      `${file}: sweep: ${key}: '${path}' is no dimension; expected one of ${known}`,
    );
  };
  const rows = pick(section.rows, withoutSeed[0], "rows");
  const columns = pick(
    section.columns,
    withoutSeed.find((dimension) => dimension !== rows),
    "columns",
  );
  return {
    name: trials[0]?.trial.name ?? "",
    claim: trials[0]?.trial.claim,
    dimensions,
    rows,
    columns,
    trials,
    measures: section.measures.map((given) =>
      typeof given === "string" ? { measure: given } : given,
    ),
  };
}

/**
 * Creates a test for keys that take a list in a trial file: keys of the file itself, and options of
 * plug-ins according to their schemas.
 */
function createListTest(plugins: Plugins): (path: readonly string[]) => boolean {
  const options = new Set<string>();
  const { tasks, aggregators, attacks, mods = new Map() } = plugins;
  for (const registry of [tasks, aggregators, attacks, mods]) {
    for (const { schema } of registry.values()) {
      const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
      for (const [key, property] of Object.entries(properties)) {
        if (typeof property === "object" && property.type === "array") options.add(key);
      }
    }
  }
  const own = [
    /^plugins$/,
    /^external$/,
    /^attacks$/,
    /^baselines$/,
    /^mods$/,
    /^attacks\.[^.]+\.clients$/,
    /^expect\.seeds$/,
  ];
  return (path) => {
    const joined = path.join(".");
    return own.some((pattern) => pattern.test(joined)) || options.has(path.at(-1) ?? "");
  };
}

export const idPattern = /^[0-9a-f]{16}$/;

/** Does a trial file have the section that makes it a sweep? */
export function isSweep({ yaml: { content } }: TrialSource): boolean {
  return typeof content === "object" && content !== null && "sweep" in content;
}
