import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { makeFolder, findRun, type StoredRun } from "@fedclair/runs";

export interface ExportOptions {
  readonly to: "csv" | "parquet" | "tensorboard" | "json" | "mlflow";
  /** A new folder; for `json` a new file. */
  readonly out?: string;
  /** URL of the tracking server, for `mlflow`. */
  readonly url?: string;
}

/** `fedclair export`: exports a run for other programs. @returns the paths or URLs of the output */
export async function exportRun(
  folder: string,
  { to, out, url }: ExportOptions,
): Promise<readonly string[]> {
  const run = await findRun(folder);
  if (!run) throw new UserError(`'${folder}' holds no run`);
  if (run.status !== "done")
    process.stderr.write(`${folder}: ${run.status}; exporting the rounds so far\n`);
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
    await createFile(out);
    await removeOnFailure(out, () => writeJsonLines(folder, out));
    return [out];
  }
  if (!(await makeFolder(out)))
    throw new UserError(`--out: '${out}' is there already: choose a new folder`);
  return await removeOnFailure(out, () => writeFiles(run, to, out));
}

async function writeFiles(
  { folder, info }: StoredRun,
  to: "csv" | "parquet" | "tensorboard",
  out: string,
): Promise<string[]> {
  if (to === "tensorboard") {
    const { writeTensorBoard } = await import("./tensorboard.js");
    return await writeTensorBoard(folder, Date.parse(info.started) / 1000, out);
  }
  const { createTables: tablesOf } = await import("./tables.js");
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
