import { countNoun } from "@fedclair/runs";
import type { ClairOptions } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import {
  factList,
  html,
  loneFigureSection,
  htmlPage,
  preformatted,
  type Figure,
  type Html,
} from "@fedclair/view";
import { parseClairOptions } from "../compare/options.js";
import type { Audit } from "../audit-schema.js";
import { isKnown, type Baseline } from "../gate/gate.js";
import { auditCard } from "../text/audit-card.js";
import { createAuditTable, statusColumn } from "../text/audit-table.js";
import { formatCopyable, listNextSteps } from "../text/next-steps.js";
import { formatNotice, listNotices } from "../text/notices.js";
import { createReadingTable, readingLead } from "../text/reading-text.js";
import { createLossTable } from "../text/refined-text.js";
import { formatVerdict } from "../text/verdict.js";
import { formatGroups } from "./group-text.js";
import type { Group } from "./groups.js";
import { tallTable } from "./tall-table.js";
import { renderUnjudgedSection } from "./unjudged-section.js";

/** The content of a page. */
export interface PageInput {
  readonly audit: Audit;
  readonly options: ClairOptions;
  /** The paths given on the command line. */
  readonly paths: readonly string[];
  /** Its adapters are kept where others are copies of them. */
  readonly baseline?: Baseline | undefined;
}

/** Renders the report of an audit as one self-contained page. */
export function renderAuditPage(
  { audit, options, paths, baseline }: PageInput,
  groups: readonly Group[],
  figures: readonly Figure[],
): string {
  const { adapters } = audit;
  const { tone, parts } = auditCard(audit);
  const show = (name: string, leads: readonly string[] = []) => {
    const figure = figures.find((one) => one.name === name);
    return figure && loneFigureSection(figure, { lead: paragraphs(leads) });
  };
  const notices = listNotices(audit, options);
  const notes = notices.filter(({ level }) => level === "note");
  const warnings = notices.filter(({ level }) => level !== "note");
  return htmlPage(
    `Audit of ${countNoun(adapters.length, "adapter")}`,
    html`<p class="verdict ${tone}">${parts.join(" · ")}</p>
      <p>${formatVerdict(audit, options)}</p>
      ${renderSteps({ audit, options, baseline })}
      ${warnings.map((notice) => html`<p class="warning">${formatNotice(notice)}</p>`)}
      ${
        notes.length === 0
          ? undefined
          : html`<details>
              <summary>In words: what the verdict means</summary>
              ${paragraphs(notes.map(formatNotice))}
            </details>`
      }
      ${factList([
        ["folders", paths.map(oneLine).join(", ")],
        ["adapters", formatStatusCounts(audit)],
        ["options", formatOptions(options)],
      ])}`,
    html`${show("scores")} ${renderTable(audit, options)} ${show("evidence")} ${show("modules")}
      ${show("likeness", formatGroups(groups))} ${renderReading(audit)} ${renderLosses(audit)}
      ${renderUnjudgedSection(audit)}
      <details>
        <summary>All options of the audit, including defaults</summary>
        <pre>${preformatted(Object.entries(options).map(formatEntry).join("\n"))}</pre>
      </details>`,
  );
}

function renderSteps({ audit, options, baseline }: Omit<PageInput, "paths">): Html | undefined {
  const steps = listNextSteps(audit, options, (one) => isKnown(one, baseline));
  if (steps.length === 0) return undefined;
  return html`<p><b>What to do next</b></p>
    <ul class="names">
      ${steps.map(({ text, names }) =>
        names.length === 0
          ? html`<li>${text}.</li>`
          : html`<li>${text}: <code>${names.map(renderCopyable)}</code></li>`,
      )}
    </ul>`;
}

/** A name that keeps on one line, as far as the screen is wide enough. */
function renderCopyable(name: string): Html {
  return html`<span>${formatCopyable([name])}</span> `;
}

function formatStatusCounts({ adapters }: Audit): string {
  const counts = new Map<string, number>();
  for (const { status } of adapters) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
}

/** Lists the options that differ from the defaults. */
function formatOptions(options: ClairOptions): string {
  const usual = new Map(Object.entries(parseClairOptions([])));
  const chosen = Object.entries(options).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual.get(key)),
  );
  return chosen.length === 0 ? "the defaults" : chosen.map(formatEntry).join(", ");
}

function formatEntry([key, value]: readonly [string, unknown]): string {
  return `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

function renderTable(audit: Audit, options: ClairOptions): Html {
  const { heads, rows } = createAuditTable(audit, options);
  const cells = rows.map((row) =>
    row.map((cell, i) => (i === statusColumn && cell !== "benign" ? html`<b>${cell}</b>` : cell)),
  );
  return html`<section id="adapters">
    <h2>Adapters</h2>
    ${tallTable(heads, cells)}
  </section>`;
}

function renderReading({ reading }: Audit): Html | undefined {
  if (reading === undefined) return undefined;
  const { heads, rows } = createReadingTable(reading);
  return html`<section id="reading">
    <h2>What they say</h2>
    <p>${readingLead}</p>
    ${tallTable(heads, rows)}
  </section>`;
}

function renderLosses({ refined }: Audit): Html | undefined {
  const losses = refined?.evaluation && createLossTable(refined.evaluation);
  if (losses === undefined || losses.rows.length === 0) return undefined;
  return html`<section>
    <h2>Losses of refined adapters</h2>
    <p>Printed by <code>${oneLine(refined?.evaluation?.command ?? "")}</code>; lower is better.</p>
    ${tallTable(losses.heads, losses.rows)}
  </section>`;
}

function paragraphs(texts: readonly string[]): Html {
  return html`${texts.map((text) => html`<p>${text}</p>`)}`;
}
