import { UserError } from "@fedclair/core";
import { statFile } from "./small-file.js";
import type { TableFile } from "./table-file.js";
import { unreadable } from "./unreadable.js";

type OpenFile = (path: string, signal: AbortSignal) => Promise<TableFile>;

/** The formats by the ends of file names. Each is loaded only if a file needs it. */
const formats: Readonly<Record<string, OpenFile>> = {
  ".csv": async (path, signal) => (await import("./csv-file.js")).openCsv(path, signal),
  ".tsv": async (path, signal) => (await import("./csv-file.js")).openCsv(path, signal),
  ".jsonl": async (path, signal) => (await import("./jsonl-file.js")).openJsonl(path, signal),
  ".parquet": async (path, signal) =>
    (await import("./columnar-file.js")).openParquet(path, signal),
  ".arrow": async (path, signal) => (await import("./columnar-file.js")).openArrow(path, signal),
  ".feather": async (path, signal) => (await import("./columnar-file.js")).openArrow(path, signal),
  ".npy": async (path) => (await import("./array-table.js")).openArray(path),
  "-ubyte": async (path) => (await import("./array-table.js")).openArray(path),
};

const columnar: ReadonlySet<string | undefined> = new Set([".parquet", ".arrow", ".feather"]);

/** Returns the format of a table by its name; undefined if it is none. */
function formatOf(path: string) {
  const name = path.toLowerCase();
  const [ending, open] =
    Object.entries(formats).find(([one]) => name.replace(/\.gz$/, "").endsWith(one)) ?? [];
  // Files that store columns are compressed inside.
  return columnar.has(ending) && name.endsWith(".gz") ? undefined : open;
}

/** Checks by its name whether a file is a table. */
export function isTableFile(path: string): boolean {
  return formatOf(path) !== undefined;
}

/**
 * Opens a table.
 * @param signal of `startReading`, for this and all that is read of the table
 * @throws UserError if the file cannot be read, or is no table
 */
export async function openTable(path: string, signal: AbortSignal): Promise<TableFile> {
  const open = formatOf(path);
  if (!open) {
    throw new UserError(
      `source: ${path}: expected a file whose name ends in ${Object.keys(formats).join(", ")}: rename or convert it`,
    );
  }
  try {
    await statFile(path);
    return await open(path, signal);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(path, error);
  }
}
