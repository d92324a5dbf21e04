import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { printableLines } from "@fedclair/core/text";
import { z } from "zod";
import { writeWhole } from "../store/atomic-files.js";
import { makeFolder } from "../store/make-folder.js";
import { readJson } from "../store/read-json.js";
import { readRunInfo, readSummary } from "../store/stored-run.js";
import { version } from "../words/version.js";
import type { Grid } from "./grid.js";
import { idPattern, type Sweep } from "./sweep-file.js";

/** The file in the folder of a sweep that lists its trials and their run folders. */
export const gridFile = "sweep.json";

/** The subfolder of a sweep for the script and logs of Slurm jobs. */
export const slurmFolder = "slurm";

/** A sweep in a folder, as it was last started. */
export interface StoredSweep extends Grid {
  /** The release of fedclair that started it. */
  readonly version: string;
  /** The sweep's file, an absolute path; empty if a program has it as an object. */
  readonly file: string;
  /** Overrides of the file. */
  readonly set: readonly string[];
}

/**
 * May a sweep folder contain this file before the first trial? Slurm jobs read such files.
 */
function isSweepFile(name: string): boolean {
  return name === slurmFolder || name.startsWith(gridFile);
}

/**
 * Opens the folder of a sweep: creates it if necessary, chooses a run folder for each trial, and
 * lists the trials in `sweep.json`. A trial keeps the run folder that it has, whatever its name.
 * @param source the sweep's file, an absolute path, and its overrides
 * @returns the sweep with these run folders
 * @throws UserError if the folder contains other things
 */
export async function openSweepFolder(
  out: string,
  sweep: Sweep,
  source: Pick<StoredSweep, "file" | "set">,
): Promise<Sweep> {
  await makeFolder(out);
  const names = await readdir(out);
  if (names.length > 0 && !names.some((name) => idPattern.test(name) || isSweepFile(name))) {
    throw new UserError(
      `the folder '${out}' is not empty and holds no sweep: choose another --out, or empty it`,
    );
  }
  const placed = assignFolders(out, sweep);
  await writeWhole(
    join(out, gridFile),
    JSON.stringify(toJson(placed, source), null, 1) + "\n",
    join(out, `${gridFile}.${randomUUID()}.part`), // sweeps that share a folder write it at once
  );
  return placed;
}

/**
 * Chooses the run folder of each trial as `openSweepFolder` does, for processes that share the work
 * of a sweep.
 */
export function assignFolders(out: string, sweep: Sweep): Sweep {
  const stored = readStoredSweep(out);
  const before = new Map(stored?.trials.map(({ id, folder }) => [id, folder]));
  const trials = sweep.trials.map((trial) => {
    return { ...trial, folder: before.get(trial.id) ?? chooseFolder(out, trial) };
  });
  return { ...sweep, trials };
}

/** Chooses a folder with the trial's run or none. */
function chooseFolder(out: string, { id, folder }: { id: string; folder: string }): string {
  const other = readRunInfo(join(out, folder));
  return other === undefined || other.hash === id ? folder : `${folder}-${id.slice(0, 8)}`;
}

/** The folder may be somebody else's, and its texts are printed. */
const text = z.string().transform(printableLines);
const labelled = z.array(z.tuple([text, text]));
const dimension = z.object({ path: text, labels: z.array(text) });
const metricInfo = z.object({
  better: z.enum(["higher", "lower"]).optional(),
  unit: text.optional(),
  description: text,
  onSharedData: text.optional(),
});

const storedShape = z.object({
  version: z.string(),
  file: z.string(),
  set: z.array(z.string()),
  name: text,
  claim: text.optional(),
  dimensions: z.array(dimension),
  rows: text.optional(),
  columns: text.optional(),
  hasWorstColumn: z.boolean().optional(),
  correction: z.literal("holm").optional(),
  notes: z.array(text).optional(),
  measures: z.array(z.object({ measure: text, worse: z.enum(["low", "high"]).optional() })),
  metrics: z.record(z.string(), metricInfo).optional(),
  primary: text.optional(),
  trials: z.array(
    z.object({
      id: z.string().regex(idPattern),
      folder: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
      seed: z.number(),
      at: labelled,
      arms: z.array(z.object({ label: text, benignOnly: z.boolean() })),
    }),
  ),
});

function toJson(
  { rows, columns, trials, ...rest }: Grid,
  { file, set }: Pick<StoredSweep, "file" | "set">,
) {
  const { metrics, primary } = trials[0]?.measures ?? {};
  return {
    version,
    file,
    set,
    ...rest,
    rows: rows?.path,
    columns: columns?.path,
    metrics,
    primary,
    trials: trials.map(({ id, folder, seed, at, arms }) => ({
      id,
      folder,
      seed,
      at: [...at],
      arms,
    })),
  };
}

/** Reads the sweep in a folder. Returns undefined if there is none that can be read. */
export function readStoredSweep(out: string): StoredSweep | undefined {
  const stored = readJson(join(out, gridFile), storedShape);
  if (!stored) return undefined;
  const { rows, columns, metrics, primary, trials, dimensions, claim, ...rest } = stored;
  const find = (path: string | undefined) => dimensions.find((one) => one.path === path);
  const measures = { ...(metrics && { metrics }), ...(primary !== undefined && { primary }) };
  return {
    ...rest,
    claim,
    dimensions,
    rows: find(rows),
    columns: find(columns),
    trials: trials.map(({ at, ...trial }) => ({ ...trial, at: new Map(at), measures })),
  } as StoredSweep;
}

/** Why the sweep in a folder cannot be read. Returns undefined if it can, or if there is none. */
export function findSweepFault(folder: string): string | undefined {
  if (!existsSync(join(folder, gridFile)) || readStoredSweep(folder)) return undefined;
  return `its ${gridFile} is damaged: start the sweep again, which keeps its finished runs`;
}

type ListedSweep =
  | {
      readonly folder: string;
      readonly name: string;
      readonly trials: number;
      readonly finished: number;
    }
  | { readonly folder: string; readonly fault: string };

/** Lists the sweeps and studies under a folder by name, with the numbers of their runs. */
export async function listSweeps(root: string): Promise<ListedSweep[]> {
  const names = await readdir(root).catch(() => []);
  return names.sort().flatMap((entry): ListedSweep[] => {
    const folder = join(root, entry);
    const stored = readStoredSweep(folder);
    const fault = findSweepFault(folder);
    if (fault !== undefined) return [{ folder, fault }];
    if (!stored) return [];
    const { name, trials } = stored;
    const done = trials.filter(({ folder: run }) => readSummary(join(folder, run)) !== undefined);
    return [{ folder, name, trials: trials.length, finished: done.length }];
  });
}
