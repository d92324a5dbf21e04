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
      .describe("Path of the dimension down the tables; default: the first one."),
    columns: z.string().optional().describe("Path of the dimension across; default: the next one."),
    measures: z
      .array(measureSchema)
      .min(1)
      .describe(
        "Measures of the summary, with the end of the scale that is worse; default: as the task describes its metrics.",
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

/** A number of every trial that tables show. */
export interface SweepMeasure {
  readonly measure: string;
  /** Absent: as the measure's own description has it. */
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
  /** The hash of everything that its numbers depend on, except the backend; also the name of its folder. */
  readonly id: string;
  /** The label of its value, by the path of each dimension. */
  readonly at: ReadonlyMap<string, string>;
  /** Prepares the trial anew, so that the data of finished trials are not kept. */
  prepare(): Promise<PreparedTrial>;
}

/** Over its values tables show means. */
export const seedPath = "seed";

/**
 * Reads a sweep: a trial file in which any value may be a list of values, with a section `sweep` that
 * says what the tables show.
 * @throws UserError that names the file and, for a faulty trial of the grid, its place in the grid
 */
export function parseSweep({ file, yaml, resolvePath }: TrialSource, plugins: Plugins): Sweep {
  const { sweep: section, ...content } = yaml.check(sweepSchema);
  const { dimensions, points } = expand(content, takesList(plugins));
  const trials = points.map(({ content: point, at }): SweepTrial => {
    const place = [...at].map(([path, label]) => `${path} = ${label}`).join(", ");
    const name = `${file} [${place}]`;
    const source = readTrialSource(stringify(point), name, [], resolvePath);
    const prepared = prepareResolvedTrial(resolveTrial(source, plugins), plugins, name);
    const { trial, taskPlugin, measures, notices } = prepared;
    const why = explainExternalHosts(prepared);
    if (why !== undefined)
      throw new UserError(`${name}: a sweep simulates all clients itself; ${why}`);
    const prepare = async () => prepareResolvedTrial(trial, plugins, name, await readTrace(trial));
    return { id: trialHash(trial), trial, taskPlugin, measures, notices, at, prepare };
  });
  const shown = dimensions.filter(({ path }) => path !== seedPath);
  const pick = (path: string | undefined, fallback: Dimension | undefined, key: string) => {
    if (path === undefined) return fallback;
    const found = dimensions.find((dimension) => dimension.path === path);
    if (found) return found;
    const known = dimensions.map((dimension) => dimension.path).join(", ") || "none";
    throw new UserError(
      `${file}: sweep: ${key}: '${path}' is no dimension; expected one of ${known}`,
    );
  };
  const rows = pick(section.rows, shown[0], "rows");
  const columns = pick(
    section.columns,
    shown.find((dimension) => dimension !== rows),
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

/** Keys that take a list anyway: of the trial file itself, and options of plug-ins by their schemas. */
function takesList(plugins: Plugins): (path: readonly string[]) => boolean {
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
