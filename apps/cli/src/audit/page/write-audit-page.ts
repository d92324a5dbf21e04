import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { drawFigures } from "@fedclair/view";
import { makeFolder } from "@fedclair/runs";
import { renderAuditPage, type PageInput } from "./audit-page.js";
import { evidenceFigure } from "./evidence-figure.js";
import { findGroups } from "./groups.js";
import { likenessFigure } from "./likeness-figure.js";
import { moduleFigure } from "./module-figure.js";

/** Draws the report of an audit and writes it to a new file. Never overwrites a file. */
export async function writeAuditPage(file: string, input: PageInput): Promise<void> {
  const { audit } = input;
  const groups = findGroups(audit);
  const figures = await drawFigures([
    evidenceFigure(audit),
    moduleFigure(audit, groups),
    likenessFigure(audit, groups),
  ]);
  await makeFolder(dirname(file));
  await writeFile(file, renderAuditPage(input, groups, figures), { flag: "wx" });
}
