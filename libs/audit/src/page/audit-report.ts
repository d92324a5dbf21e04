import type { PageInput } from "./audit-page.js";

/** Draws the report of an audit as one self-contained page. */
export async function drawAuditPage(input: PageInput): Promise<string> {
  // The libraries that draw take long to load, and most audits draw no page.
  const { drawPage } = await import("./draw-page.js");
  return await drawPage(input);
}

/** Draws the report of an audit and writes it into a new file. Never overwrites a file. */
export async function writeAuditPage(file: string, input: PageInput): Promise<void> {
  const { writePage } = await import("@fedclair/view");
  await writePage(file, await drawAuditPage(input));
}
