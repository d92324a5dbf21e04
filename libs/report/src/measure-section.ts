import { formatNumber } from "@fedclair/runs";
import { html, table, type Html } from "./html.js";
import { measureRows, type MeasureRow } from "./measures.js";
import type { Run } from "./run.js";

/** The measures of `summary.json`, with the ranges that the trial file expects. */
export function measureSection({ trial, summary }: Run): Html {
  if (!summary) {
    return html`<section>
      <h2>Measures</h2>
      <p>
        The run was stopped before its end: there is no summary.json, and measures of single rounds
        would mislead.
      </p>
    </section>`;
  }
  const rows = measureRows(trial, summary);
  const expecting = rows.some(({ expected }) => expected);
  const heads = ["", "measure", "value", ...(expecting ? ["expected"] : []), "meaning"];
  const cells = rows.map((row, i) => [
    row.group === rows[i - 1]?.group ? "" : html`<b>${row.group}</b>`,
    html`<code>${row.name}</code>`,
    row.value === undefined ? "–" : formatNumber(row.value),
    ...(expecting ? [expectation(row)] : []),
    row.meaning,
  ]);
  return html`<section>
    <h2>Measures</h2>
    ${table(heads, cells)}
  </section>`;
}

function expectation({ expected, asExpected }: MeasureRow): Html | string {
  if (!expected) return "";
  const { min, max } = expected;
  const range = [min === undefined ? [] : `≥ ${min}`, max === undefined ? [] : `≤ ${max}`]
    .flat()
    .join(", ");
  return asExpected === true ? `${range} ✓` : html`<span class="mistake">${range} ✗</span>`;
}
