import type { PageInput } from "./audit-page.js";

/** Draws the report of an audit and writes it into a new file. Never overwrites a file. */
export async function writeAuditPage(file: string, input: PageInput): Promise<void> {
  // The libraries that draw take long to load, and most audits write no page.
  const { drawAuditPage } = await import("./draw-audit-page.js");
  await drawAuditPage(file, input);
}
