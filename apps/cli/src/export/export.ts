import { open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError } from "@fedclair/core";
import { makeFolder, findRun, type StoredRun } from "@fedclair/runs";
import { openSweep, type OpenedSweep } from "../results/open-sweep.js";
import { createSweepTables, placeColumns, placeOf } from "./sweep-tables.js";

export interface ExportOptions {
  readonly to: "csv" | "parquet" | "tensorboard" | "json" | "mlflow";
  /** A new folder; for `json` a new file. */
  readonly out?: string;
  /** URL of the tracking server, for `mlflow`. */
  readonly url?: string;
}

/**
 * `fedclair export`: exports a run, a study or a sweep for other programs.
 * @returns the paths or URLs of the output
 */
export async function exportRun(
  folder: string,
  { to, out, url }: ExportOptions,
): Promise<readonly string[]> {
  const what = await findExported(folder);
  if (to === "mlflow") {
    if (url === undefined || out !== undefined)
      throw new UserError("--to mlflow: expected --url http://host:port, and no --out");
    const { exportToMlflow } = await import("./mlflow.js");
    const urls: string[] = [];
    for (const { run } of what.runs) urls.push(...(await exportToMlflow(run, url)));
    return urls;
  }
  if (out === undefined || url !== undefined)
    throw new UserError(`--to ${to}: expected --out, a new place, and no --url`);
  if (to === "json") {
    const { writeJsonLines } = await import("./json-lines.js");
    await createFile(out);
    const runs = what.runs.map(({ run, place }) => {
      return { folder: run.folder, fields: Object.fromEntries(place) };
    });
    await removeOnFailure(out, () => writeJsonLines(runs, out));
    return [out];
  }
  if (!(await makeFolder(out)))
    throw new UserError(`--out: '${out}' is there already: choose a new folder`);
  return await removeOnFailure(out, () => writeFiles(what, to, out));
}

/** What to export: one run, or the runs of a sweep that have begun. */
interface Exported {
  readonly runs: readonly {
    readonly run: StoredRun;
    /** What distinguishes the run within its sweep, by column. Empty for a single run. */
    readonly place: ReadonlyMap<string, string | number>;
  }[];
  readonly sweep?: OpenedSweep;
}

async function findExported(folder: string): Promise<Exported> {
  const sweep = await openSweep(folder);
  if (!sweep) {
    const run = await findRun(folder);
    if (!run) throw new UserError(`'${folder}' holds no run`);
    if (run.status !== "done")
      process.stderr.write(`${folder}: ${run.status}; exporting the rounds so far\n`);
    return { runs: [{ run, place: new Map() }] };
  }
  const runs = [];
  for (const trial of sweep.grid.trials) {
    const run = await findRun(join(folder, trial.folder));
    if (run) runs.push({ run, place: placeOf(trial) });
  }
  const open = sweep.grid.trials.length - sweep.summaries.size;
  if (open > 0)
    process.stderr.write(`${folder}: ${open} runs are not done; exporting what there is\n`);
  return { runs, sweep };
}

async function writeFiles(
  { runs, sweep }: Exported,
  to: "csv" | "parquet" | "tensorboard",
  out: string,
): Promise<string[]> {
  if (to === "tensorboard") {
    const { writeTensorBoard } = await import("./tensorboard.js");
    const folders: string[] = [];
    for (const { run } of runs) {
      const own = sweep ? join(out, basename(run.folder)) : out;
      if (sweep) await makeFolder(own);
      const began = Date.parse(run.info.started) / 1000;
      folders.push(...(await writeTensorBoard(run.folder, began, own)));
    }
    return folders;
  }
  const { createTables } = await import("./tables.js");
  const write =
    to === "csv"
      ? (await import("./csv.js")).writeCsv
      : (await import("./parquet.js")).writeParquet;
  const tables = await createTables(
    runs.map(({ run, place }) => ({ folder: run.folder, cells: [...place.values()] })),
    sweep ? placeColumns(sweep.grid) : [],
    (text) => process.stderr.write(`warning: ${text}\n`),
  );
  const paths: string[] = [];
  for (const table of [...tables, ...(sweep ? createSweepTables(sweep) : [])]) {
    const path = join(out, `${table.name}.${to}`);
    await write(table, path);
    paths.push(path);
  }
  return paths;
}

/** Creates an empty file. @throws UserError if the path exists */
async function createFile(path: string): Promise<void> {
  const file = await open(path, "wx").catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new UserError(`--out: '${path}' is there already: choose a new file`);
  });
  await file.close();
}

/** Removes the output if the export fails, because a partial export looks like a complete one. */
async function removeOnFailure<T>(out: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    await rm(out, { recursive: true, force: true });
    throw error;
  }
}
