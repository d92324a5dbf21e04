import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";

/** An entry of a folder in which strangers may have chosen the names. */
export interface FolderEntry {
  readonly name: string;
  /** The name as `escapeName` writes it: no two entries of a folder look the same. */
  readonly shown: string;
  /**
   * False for hidden entries, because they contain large trees such as `.git` instead of adapters,
   * and for names that are not UTF-8, to which no path leads.
   */
  readonly isRead: boolean;
  readonly type: Pick<Dirent, "isDirectory" | "isFile" | "isSymbolicLink">;
}

/** Lists a folder, sorted by name. */
export async function listEntries(folder: string): Promise<FolderEntry[]> {
  const types = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  return types
    .map((type): FolderEntry => {
      const name = type.name.toString();
      const isRead = !name.startsWith(".") && type.name.equals(Buffer.from(name));
      return { name, shown: escapeName(type.name), isRead, type };
    })
    .sort((x, y) => (x.name < y.name ? -1 : 1));
}

/** Matches characters that cannot be seen, spaces at the ends, and backslashes. */
const unseen = /[\p{C}\\]|(?! )\p{Z}|^ | $/gu;

/**
 * Writes the name of a file so that it can be seen and differs from every other name. Characters
 * that cannot be seen are escaped as in JavaScript, and names that are not UTF-8 byte by byte.
 */
export function escapeName(name: Buffer): string {
  const text = name.toString();
  if (name.equals(Buffer.from(text))) {
    return text.replace(unseen, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
  }
  const hex = (byte: string) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return name.toString("latin1").replace(/[^!-[\]-~]/g, hex);
}
