import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "@fedclair/runs";

/** Writes a page into a new file. @throws Error if there is a file already */
export async function writePage(file: string, page: string): Promise<void> {
  await makeFolder(dirname(file));
  await writeFile(file, page, { flag: "wx" });
}
