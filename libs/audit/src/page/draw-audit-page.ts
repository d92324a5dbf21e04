import { drawFigures, writePage } from "@fedclair/view";
import { renderAuditPage, type PageInput } from "./audit-page.js";
import { auditEvidenceFigure } from "./evidence-figure.js";
import { findGroups } from "./groups.js";
import { likenessFigure } from "./likeness-figure.js";
import { moduleFigure } from "./module-figure.js";
import { auditScoreFigure } from "./score-figure.js";

/** Draws the figures of an audit and writes them in one self-contained page. */
export async function drawAuditPage(file: string, input: PageInput): Promise<void> {
  const { audit } = input;
  const groups = findGroups(audit);
  const figures = await drawFigures([
    auditScoreFigure(audit),
    auditEvidenceFigure(audit),
    moduleFigure(audit, groups),
    likenessFigure(audit, groups),
  ]);
  await writePage(file, renderAuditPage(input, groups, figures));
}
