import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "@fedclair/runs";
import type { PageInput } from "./audit-page.js";

/** Draws the report of an audit and writes it to a new file. Never overwrites a file. */
export async function writeAuditPage(file: string, input: PageInput): Promise<void> {
  // The libraries that draw take long to load, and most audits write no page.
  const { drawAuditPage } = await import("./draw-audit-page.js");
  const page = await drawAuditPage(input);
  await makeFolder(dirname(file));
  await writeFile(file, page, { flag: "wx" });
}
