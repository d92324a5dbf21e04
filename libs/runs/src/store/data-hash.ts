import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { oneLine, type PreparedTrial } from "@fedclair/core/internal";
import { hashContent } from "./hash-content.js";
import { listDataPaths } from "./known-code.js";
import type { RunInfo, StoredRun } from "./stored-run.js";

/** The content of a file or a folder that a trial reads. */
interface DataHash {
  readonly path: string;
  readonly sha256: string;
}

type DataTrial = Pick<PreparedTrial, "trial" | "taskPlugin">;

/**
 * Hashes the files and folders that a trial names as its data, without holding them in memory. It
 * leaves out paths that this machine does not have, and hidden files. Data that external clients,
 * plug-ins or hosts on other machines read for themselves are not covered.
 */
export async function hashData(trial: DataTrial, signal?: AbortSignal): Promise<DataHash[]> {
  const hashes: DataHash[] = [];
  for (const path of listDataPaths(trial)) {
    const hash = createHash("sha256");
    let files = 0;
    for await (const { name, file } of listFiles(path)) {
      files++;
      hash.update(`${name}\0${await hashFile(file, signal)}\0`);
    }
    if (files > 0) hashes.push({ path, sha256: hash.digest("hex") });
  }
  return hashes;
}

/**
 * Finds data of a trial that have other contents than when a run of it began. Returns undefined if
 * there are none, or if the data are not here any more.
 */
export async function findChangedData(
  { data = [] }: Pick<RunInfo, "data">,
  trial: DataTrial,
): Promise<string | undefined> {
  if (data.length === 0) return undefined;
  const now = new Map((await hashData(trial)).map(({ path, sha256 }) => [path, sha256]));
  return data.find(({ path, sha256 }) => (now.get(path) ?? sha256) !== sha256)?.path;
}

/** @throws UserError if the data of a stored run have changed since it began */
export async function checkData(
  { folder, info }: Pick<StoredRun, "folder" | "info">,
  trial: DataTrial,
): Promise<void> {
  const changed = await findChangedData(info, trial);
  if (changed === undefined) return;
  throw new UserError(
    `the data in '${oneLine(changed)}' have changed since the run in '${folder}' began: restore them, or make a new run with --again`,
  );
}

interface DataFile {
  /** Its path in the folder; empty for a file that the trial names. */
  readonly name: string;
  readonly file: string;
}

/** Lists the regular files at a path in the order of their names, those of subfolders too. */
async function* listFiles(
  path: string,
  name = "",
  above: readonly string[] = [],
): AsyncGenerator<DataFile> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isFile()) yield { name, file: path };
  if (!entry?.isDirectory()) return;
  const folder = await realpath(path);
  if (above.includes(folder)) return; // links may form a circle
  for (const child of (await readdir(path)).sort()) {
    if (child.startsWith(".")) continue;
    yield* listFiles(join(path, child), `${name}/${child}`, [...above, folder]);
  }
}

/** The hashes of files that this process has read, so that the trials of a sweep share them. */
const known = new Map<string, { readonly version: string; readonly sha256: string }>();

async function hashFile(file: string, signal?: AbortSignal): Promise<string> {
  // Every write sets the time of the last change, and nobody can set it back, as other times.
  const { dev, ino, size, ctimeNs } = await stat(file, { bigint: true });
  const version = [dev, ino, size, ctimeNs].join();
  const before = known.get(file);
  if (before?.version === version) return before.sha256;
  const sha256 = await hashContent(createReadStream(file, { highWaterMark: 1 << 20, signal }));
  known.set(file, { version, sha256 });
  return sha256;
}
