import { unreachable } from "./tab-data.browser.js";
import type { TableFile } from "./table-file.js";
import type { FolderFile } from "./table-files.js";

/** In Node.js, opens a table. @throws UserError always */
export function openTable(path: string): Promise<TableFile> {
  return Promise.reject(unreachable(path));
}

/** In Node.js, opens the tables in a folder. @throws UserError always */
export function openFolder(folder: string): Promise<readonly FolderFile[]> {
  return Promise.reject(unreachable(folder));
}
