import { drawFigures } from "@fedclair/view";
import { renderAuditPage, type PageInput } from "./audit-page.js";
import { auditEvidenceFigure } from "./evidence-figure.js";
import { findGroups } from "./groups.js";
import { likenessFigure } from "./likeness-figure.js";
import { moduleFigure } from "./module-figure.js";
import { auditScoreFigure } from "./score-figure.js";

/** Draws the figures of an audit and puts them into one self-contained page. */
export async function drawPage(input: PageInput): Promise<string> {
  const { audit } = input;
  const groups = findGroups(audit);
  const figures = await drawFigures([
    auditScoreFigure(audit),
    auditEvidenceFigure(audit),
    moduleFigure(audit, groups),
    likenessFigure(audit, groups),
  ]);
  return renderAuditPage(input, groups, figures);
}
