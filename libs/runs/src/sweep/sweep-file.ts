import { commandName } from "../words/command-name.js";
import { UserError, type Plugins } from "@fedclair/core";
import {
  explainExternalHosts,
  listArms,
  listSeeds,
  prepareResolvedTrial,
  readPythonClients,
  resolveTrial,
  seedsSchema,
  trialSchema,
  type PreparedTrial,
  type TrialSource,
} from "@fedclair/core/internal";
import { z } from "zod";
import { addPythonCode } from "../trial/python-code.js";
import { readTrace } from "../trial/read-trace.js";
import { trialHash } from "../store/trial-hash.js";
import { listAttackNames, type Measured } from "./check-measures.js";
import { drawData, listDrawNotes, type DrawnTrial } from "./draws.js";
import { expand, type Dimension } from "./expand.js";
import { nameFolders } from "./folder-names.js";
import { seedPath, type Grid, type GridTrial } from "./grid.js";
import { listWeightingNotes } from "./weighting-note.js";

const measureSchema = z.union([
  z.string(),
  z.strictObject({ measure: z.string(), worse: z.enum(["low", "high"]).optional() }),
]);

/** The section `sweep` of a sweep file. */
export const sectionSchema = z.strictObject({
  rows: z
    .string()
    .optional()
    .describe("Path of the dimension for the rows of the tables; default: the first one."),
  columns: z
    .string()
    .optional()
    .describe("Path of the dimension for the columns; default: the next one."),
  worstColumn: z
    .boolean()
    .optional()
    .describe(
      "Adds a column with the worst mean of each row and its interval, for example each aggregator under its worst attack; default: false. It is empty where a cell of the row is.",
    ),
  correction: z
    .literal("holm")
    .optional()
    .describe(
      "holm: outcomes of differences go by Holm's adjusted p-values over all differences of a measure, so that one of them is wrong in at most 5 % of sweeps. Default: by the interval of each.",
    ),
  measures: z
    .array(measureSchema)
    .min(1)
    .optional()
    .describe(
      "Measures of the summary, each with the end of the scale that is worse, which is otherwise derived from the task's description of its metrics. Default: the task's primary metric, and detection.",
    ),
});

const sweepSchema = z
  .looseObject(
    { sweep: sectionSchema.optional(), seeds: seedsSchema.optional() },
    {
      error: ({ code }) =>
        code === "invalid_type" ? "expected a trial with a section `sweep`" : undefined,
    },
  )
  .refine(
    ({ sweep, seeds }) => sweep !== undefined || seeds !== undefined,
    `expected a section \`sweep\`, or \`seeds\`; for a single trial, use ${commandName()} run`,
  )
  .refine(({ seed, seeds }) => seeds === undefined || !Array.isArray(seed), {
    path: ["seeds"],
    error: "the sweep has several values of seed already: leave out seeds or the list of seed",
  });

/** A grid of trials. Trials that differ only by their seed form a study. */
export interface Sweep extends Grid {
  readonly trials: readonly SweepTrial[];
}

export interface SweepTrial
  extends GridTrial, Measured, Pick<PreparedTrial, "taskPlugin" | "notices"> {
  /** Prepares the trial again, so that the data of finished trials are not kept in memory. */
  prepare(): PreparedTrial;
}

/**
 * Reads a sweep: a trial file in which any value may be a list of values. `seeds` stands for values
 * of `seed`, and a section `sweep` describes the tables.
 * @throws UserError that names the file and, for a faulty trial, its place in the grid
 */
export function parseSweep({ file, yaml, resolvePath }: TrialSource, plugins: Plugins): Sweep {
  const { sweep: section = {}, seeds, ...content } = yaml.check(sweepSchema);
  const { dimensions, points } = expand(
    seeds === undefined ? content : withSeeds(content, seeds),
    createListTest(plugins),
  );
  const folders = nameFolders(points.map(({ at }) => at));
  const hasSeeds = dimensions.some(({ path }) => path === seedPath);
  const drawn: DrawnTrial[] = [];
  const trials = points.map(({ content: point, at, origin }, i): SweepTrial => {
    const place = [...at].map(([path, label]) => `${path} = ${label}`).join(", ");
    const name = `${file} [${place}]`;
    // Paths count as written in the file, because workers elsewhere have other working directories.
    const values = { ...yaml.vary(point, origin, name), isOverridden: () => false };
    const source = { file: name, yaml: values, ...(resolvePath && { resolvePath }) };
    const one = resolveTrial(source, plugins);
    const task = plugins.tasks.get(one.task.name);
    const resolved = addPythonCode(hasSeeds ? drawData(one, point, task) : one, name);
    const prepared = prepareResolvedTrial(resolved, plugins, name);
    const { trial, taskPlugin, measures, notices } = prepared;
    if (hasSeeds) drawn.push({ trial, content: point, plugin: taskPlugin });
    const why = explainExternalHosts(prepared);
    if (why !== undefined && !readPythonClients(trial)) {
      throw new UserError(
        `${name}: a sweep starts the hosts of external clients only if the trial names their code (python, flower); ${why}`,
      );
    }
    return {
      id: trialHash(trial),
      folder: folders[i] ?? "",
      seed: trial.seed,
      arms: listArms(trial).map(({ label, benignOnly }) => ({ label, benignOnly })),
      trial,
      taskPlugin,
      measures,
      attackNames: listAttackNames(prepared),
      notices,
      at,
      prepare: () =>
        prepareResolvedTrial(addPythonCode(trial, name), plugins, name, readTrace(trial)),
    };
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
    hasWorstColumn: section.worstColumn ?? false,
    correction: section.correction,
    notes: [...listDrawNotes(drawn), ...listWeightingNotes(trials.map(({ trial }) => trial))],
    trials,
    measures: (section.measures ?? []).map((given) =>
      typeof given === "string" ? { measure: given } : given,
    ),
  };
}

/** Replaces `seeds` by a list of values of `seed`. A faulty seed is left to the trial's check. */
function withSeeds(
  content: Readonly<Record<string, unknown>>,
  seeds: z.output<typeof seedsSchema>,
): object {
  const { seed = 1 } = content;
  return typeof seed === "number" ? { ...content, seed: listSeeds(seeds, seed) } : content;
}

/** Creates a test for keys that take a list in a trial file, options of plug-ins included. */
function createListTest(plugins: Plugins): (path: readonly string[]) => boolean {
  const how = { io: "input", unrepresentable: "any" } as const;
  const whole: JsonSchema = z.toJSONSchema(trialSchema(plugins), how);
  return (path) => {
    // A dimension of whole plug-ins has the key `*`, which is not part of a trial.
    const keys = path.filter((key) => key !== "*");
    const here = keys.reduce((all, key) => all.flatMap((one) => enter(one, key)), [whole]);
    return here.flatMap(listVariants).some(({ type }) => type === "array");
  };
}

/** Lists what a schema says about the value of a key, or about the entries of a list. */
function enter(schema: JsonSchema, key: string): JsonSchema[] {
  return listVariants(schema).flatMap(({ properties = {}, additionalProperties, items }) => {
    const inner = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    return [inner, items].flat().filter((one) => typeof one === "object");
  });
}

function listVariants(schema: JsonSchema): JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...inner.filter((one) => typeof one === "object").flatMap(listVariants)];
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

export const idPattern = /^[0-9a-f]{16}$/;
