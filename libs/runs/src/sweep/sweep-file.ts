import { createHash } from "node:crypto";
import { parseTrial, UserError, type Plugins, type Trial } from "@fedclair/core";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { version } from "../version.js";
import { expand, type Dimension } from "./expand.js";

const measureSchema = z.union([
  z.string(),
  z.strictObject({ measure: z.string(), worse: z.enum(["low", "high"]).optional() }),
]);

const sweepSchema = z.strictObject({
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
});

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

export interface SweepTrial {
  /** Hash of all that its numbers depend on, but for the backend: its folder. */
  readonly id: string;
  readonly trial: Trial;
  /** The label of its value, by the path of each dimension. */
  readonly at: ReadonlyMap<string, string>;
}

/** Over its values tables show means. */
export const seedPath = "seed";

/**
 * Reads a sweep file: a trial file in which any value may be a list of values, with a section `sweep` that says what the
 * tables show.
 * @throws UserError that names the file and, for a trial of the grid that does not hold, its place in the grid
 */
export function parseSweep(text: string, file: string, plugins: Plugins): Sweep {
  const { sweep, ...content } = contentOf(text, file);
  if (sweep === undefined) {
    throw new UserError(
      `${file}: expected a section \`sweep\`; for a single trial, use fedclair run`,
    );
  }
  const { data, error } = sweepSchema.safeParse(sweep);
  if (!data) {
    const issues = error.issues.map(({ path, message }) => ["sweep", ...path, message].join(": "));
    throw new UserError(`${file}: ${issues.join("; ")}`);
  }
  const { dimensions, points } = expand(content, takesList(plugins));
  const trials = points.map(({ content: point, at }): SweepTrial => {
    const place = [...at].map(([path, label]) => `${path} = ${label}`).join(", ");
    const trial = parseTrial(stringify(point), `${file} [${place}]`, plugins);
    return { id: idOf(trial), trial, at };
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
  const rows = pick(data.rows, shown[0], "rows");
  const columns = pick(
    data.columns,
    shown.find((dimension) => dimension !== rows),
    "columns",
  );
  return {
    name: trials[0]?.trial.name ?? "",
    claim: trials[0]?.trial.claim,
    ...{ dimensions, rows, columns, trials },
    measures: data.measures.map((given) =>
      typeof given === "string" ? { measure: given } : given,
    ),
  };
}

function contentOf(text: string, file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw new UserError(`${file}: expected a trial with a section \`sweep\``);
}

/** Keys that take a list anyway: of the trial file itself, and options of plug-ins by their schemas. */
function takesList(plugins: Plugins): (path: readonly string[]) => boolean {
  const options = new Set<string>();
  for (const registry of [plugins.tasks, plugins.aggregators, plugins.attacks]) {
    for (const { schema } of registry.values()) {
      const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
      for (const [key, property] of Object.entries(properties)) {
        if (typeof property === "object" && property.type === "array") options.add(key);
      }
    }
  }
  const own = [/^attacks$/, /^baselines$/, /^attacks\.[^.]+\.clients$/, /^expect\.seeds$/];
  return (path) => {
    const joined = path.join(".");
    return own.some((pattern) => pattern.test(joined)) || options.has(path.at(-1) ?? "");
  };
}

/** What a trial is called and said to show changes none of its numbers. */
const words = new Set(["name", "claim", "expect"]);

function idOf(trial: Trial): string {
  // Nor does what its exit code tells.
  const limits = { ...trial.limits, maxLost: undefined };
  const rest = Object.entries({ ...trial, limits }).filter(([key]) => !words.has(key));
  return createHash("sha256")
    .update(JSON.stringify([version, rest]))
    .digest("hex")
    .slice(0, 16);
}

export const idPattern = /^[0-9a-f]{16}$/;

/** Is a file a sweep, by its text? Tells it from a trial; it may still have faults. */
export function isSweep(text: string): boolean {
  return /^sweep:/m.test(text);
}
