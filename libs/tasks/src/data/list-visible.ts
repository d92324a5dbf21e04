import { readdirSync, type Dirent } from "node:fs";
import { unreadable } from "./unreadable.js";

/**
 * Lists what is in a folder and not hidden, by name.
 * @throws UserError if the folder cannot be read
 */
export function listVisible(folder: string): Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith("."))
      .sort((a, b) => Number(a.name > b.name) - Number(a.name < b.name));
  } catch (error) {
    throw unreadable(`the folder ${folder}`, error);
  }
}
