import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { listVisible } from "./list-visible.js";
import { isTableFile, openTable } from "./open-table.js";
import type { TableFile } from "./table-file.js";

export { openTable };

/** A file of a folder, and the client to whom its rows belong. */
export interface FolderFile {
  readonly file: TableFile;
  readonly owner?: string;
}

/**
 * Opens the tables in a folder, one per client, or its PNG images, or those of its subfolders, one
 * per client.
 * @throws UserError if there are none
 */
export async function openFolder(
  folder: string,
  signal: AbortSignal,
): Promise<readonly FolderFile[]> {
  const entries = listVisible(folder);
  const tables = entries.filter((entry) => !entry.isDirectory() && isTableFile(entry.name));
  if (tables.length > 0) {
    return await Promise.all(
      tables.map(async ({ name }) => ({
        file: await openTable(join(folder, name), signal),
        owner: name.replace(/(\.\w+|-ubyte)(\.gz)?$/, ""),
      })),
    );
  }
  const { listPngs, openPngs } = await import("./png-files.js");
  if ((await listPngs(folder)).length > 0) return [{ file: await openPngs(folder, signal) }];
  const images: FolderFile[] = [];
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const path = join(folder, name);
    if ((await listPngs(path)).length > 0)
      images.push({ file: await openPngs(path, signal), owner: name });
  }
  if (images.length > 0) return images;
  throw new UserError(
    `source: the folder ${folder} holds no table and no image: put one .csv, .jsonl, .parquet or .npy file per client there, or .png files`,
  );
}
