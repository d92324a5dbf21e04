import { countNoun } from "@fedclair/runs";
import type { ClairOptions } from "@fedclair/aggregators";
import { oneLine } from "@fedclair/core/internal";
import {
  factList,
  html,
  loneFigureSection,
  htmlPage,
  preformatted,
  table,
  type Figure,
  type Html,
} from "@fedclair/report";
import type { Audit } from "../audit-schema.js";
import { auditTable, statusColumn } from "../audit-table.js";
import { parseOptions } from "../options.js";
import { remarks, verdictText } from "../remarks.js";
import { groupSentences } from "./group-text.js";
import type { Group } from "./groups.js";
import { unjudgedSection } from "./unjudged-section.js";

/** What a page shows. */
export interface PageInput {
  readonly audit: Audit;
  readonly options: ClairOptions;
  /** Where the adapters were looked for. */
  readonly paths: readonly string[];
}

/** Longer tables scroll in a frame of their own. */
const mostRows = 40;

/** The report of an audit: one page that needs nothing beside itself. */
export function auditPage(
  { audit, options, paths }: PageInput,
  groups: readonly Group[],
  figures: readonly Figure[],
): string {
  const { adapters } = audit;
  return htmlPage(
    { title: `Audit of ${countNoun(adapters.length, "adapter")}`, claim: undefined },
    html`<p class="verdict">${verdictText(audit, options)}</p>
      ${remarks(audit, options).map(
        ({ text, isWarning }) => html`<p class="${isWarning ? "warning" : "note"}">${text}</p>`,
      )}
      ${factList([
        ["folders", paths.map(oneLine).join(", ")],
        ["adapters", statusCounts(audit)],
        ["options", optionsText(options)],
      ])}`,
    html`${tableSection(audit, options)}
      ${figures.map((figure) =>
        loneFigureSection(figure, figure.name === "likeness" ? { lead: likenessLead(groups) } : {}),
      )}
      ${unjudgedSection(audit)}
      <details>
        <summary>Every option of the audit, defaults filled in</summary>
        <pre>${preformatted(Object.entries(options).map(entryText).join("\n"))}</pre>
      </details>`,
  );
}

function statusCounts({ adapters }: Audit): string {
  const counts = new Map<string, number>();
  for (const { status } of adapters) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
}

/** Those that were chosen. */
function optionsText(options: ClairOptions): string {
  const usual = new Map(Object.entries(parseOptions([])));
  const chosen = Object.entries(options).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual.get(key)),
  );
  return chosen.length === 0 ? "the defaults" : chosen.map(entryText).join(", ");
}

function entryText([key, value]: readonly [string, unknown]): string {
  return `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

function tableSection(audit: Audit, options: ClairOptions): Html {
  const { heads, rows } = auditTable(audit, options);
  const cells = rows.map((row) =>
    row.map((cell, i) => (i === statusColumn && cell !== "benign" ? html`<b>${cell}</b>` : cell)),
  );
  return html`<section>
    <h2>Adapters</h2>
    <div class="${rows.length > mostRows ? "tall" : ""}">${table(heads, cells)}</div>
  </section>`;
}

function likenessLead(groups: readonly Group[]): Html {
  return html`${groupSentences(groups).map((text) => html`<p>${text}</p>`)}`;
}
