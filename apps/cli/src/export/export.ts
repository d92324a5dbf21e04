import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { makeFolder, findRun, type StoredRun } from "@fedclair/runs";

export interface ExportOptions {
  readonly to: "csv" | "parquet" | "tensorboard" | "json" | "mlflow";
  /** A new folder; of `json` a new file. */
  readonly out?: string;
  /** Of the tracking server, of `mlflow`. */
  readonly url?: string;
}

/** `fedclair export`: what a run left, in a form that other programs read. @returns where it was written */
export async function exportRun(
  folder: string,
  { to, out, url }: ExportOptions,
): Promise<readonly string[]> {
  const run = await findRun(folder);
  if (!run) throw new UserError(`'${folder}' holds no run`);
  if (run.status !== "done") process.stderr.write(`${folder}: ${run.status}: as far as it came\n`);
  if (to === "mlflow") {
    if (url === undefined || out !== undefined)
      throw new UserError("--to mlflow: expected --url http://host:port, and no --out");
    const { exportToMlflow } = await import("./mlflow.js");
    return await exportToMlflow(run, url);
  }
  if (out === undefined || url !== undefined)
    throw new UserError(`--to ${to}: expected --out, a new place, and no --url`);
  if (to === "json") {
    const { writeJsonLines } = await import("./json-lines.js");
    await makeFile(out);
    await orRemove(out, () => writeJsonLines(folder, out));
    return [out];
  }
  if (!(await makeFolder(out)))
    throw new UserError(`--out: '${out}' is there already: choose a new folder`);
  return await orRemove(out, () => writeInto(run, to, out));
}

async function writeInto(
  { folder, info }: StoredRun,
  to: "csv" | "parquet" | "tensorboard",
  out: string,
): Promise<string[]> {
  if (to === "tensorboard") {
    const { writeTensorBoard } = await import("./tensorboard.js");
    return await writeTensorBoard(folder, Date.parse(info.started) / 1000, out);
  }
  const { tablesOf } = await import("./tables.js");
  const write =
    to === "csv"
      ? (await import("./csv.js")).writeCsv
      : (await import("./parquet.js")).writeParquet;
  const tables = await tablesOf(folder, (text) => process.stderr.write(`warning: ${text}\n`));
  const paths: string[] = [];
  for (const table of tables) {
    const path = join(out, `${table.name}.${to}`);
    await write(table, path);
    paths.push(path);
  }
  return paths;
}

/** @throws UserError if there is something at the path */
async function makeFile(path: string): Promise<void> {
  const file = await open(path, "wx").catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new UserError(`--out: '${path}' is there already: choose a new file`);
  });
  await file.close();
}

/** Half an export looks like a whole one: it does not stay. */
async function orRemove<T>(out: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    await rm(out, { recursive: true, force: true });
    throw error;
  }
}
