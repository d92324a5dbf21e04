import { formatNumber, type Run } from "@fedclair/runs";
import { html, table, type Html } from "./html.js";
import { measureRows, type MeasureRow } from "./measures.js";

/** Longer tables are truncated; `summary.json` contains every measure. */
const maxRows = 300;

/** The measures of `summary.json`, with the ranges that the trial file expects. */
export function measureSection({ trial, summary, isFinished, description }: Run): Html {
  if (!isFinished) {
    return html`<section>
      <h2>Measures</h2>
      <p>
        The run was stopped before its end: there is no summary.json, and measures of single rounds
        would mislead.
      </p>
    </section>`;
  }
  const all = measureRows(trial, summary, description.metrics);
  const rows =
    all.length <= maxRows
      ? all
      : all
          .toSorted((a, b) => Number(b.expected !== undefined) - Number(a.expected !== undefined))
          .slice(0, maxRows);
  const hasExpectations = rows.some(({ expected }) => expected);
  const heads = ["measure", "value", "n", ...(hasExpectations ? ["expected"] : []), "meaning"];
  const cells = rows.map((row) => [
    html`<code>${row.name}</code>`,
    row.value === undefined ? "–" : formatNumber(row.value),
    row.n === undefined ? "–" : formatNumber(row.n),
    ...(hasExpectations ? [formatExpectation(row)] : []),
    row.meaning,
  ]);
  return html`<section>
    <h2>Measures</h2>
    <p class="note">n: the number of clients, rounds or answers behind a measure.</p>
    ${table(heads, cells)}
    ${
      all.length <= maxRows
        ? undefined
        : html`<p class="note">
            ${maxRows} of ${all.length.toLocaleString("en-US")} measures, those with an expectation
            first; all are in <code>summary.json</code>.
          </p>`
    }
  </section>`;
}

function formatExpectation({ expected, asExpected }: MeasureRow): Html | string {
  if (!expected) return "";
  const { min, max, of = "every" } = expected;
  const range = [min === undefined ? [] : `≥ ${min}`, max === undefined ? [] : `≤ ${max}`]
    .flat()
    .join(", ");
  if (of !== "every") return of === "mean" ? `mean ${range}` : `95 % interval ${range}`;
  return asExpected === true ? `${range} ✓` : html`<span class="mistake">${range} ✗</span>`;
}
