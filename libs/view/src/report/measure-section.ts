import type { Run } from "@fedclair/runs";
import { columnTable, formatOptional, hiddenNote, html, type Html } from "./html.js";
import { measureRows, type MeasureRow } from "./measures.js";

/** Longer tables are truncated; `summary.json` contains every measure. */
const maxRows = 300;

/** The measures of `summary.json`, with the ranges that the trial file expects. */
export function measureSection({ trial, summary, isFinished, description }: Run): Html {
  if (!isFinished) {
    return html`<section id="measures">
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
  return html`<section id="measures">
    <h2>Measures</h2>
    <p class="note">n: the number of clients, rounds or answers behind a measure.</p>
    ${columnTable(rows, [
      ["measure", ({ name }) => html`<code>${name}</code>`],
      ["value", ({ value }) => formatOptional(value)],
      ["n", ({ n }) => formatOptional(n)],
      hasExpectations && ["expected", formatExpectation],
      ["meaning", ({ meaning }) => meaning],
    ])}
    ${hiddenNote(maxRows, all.length, "measures, those with an expectation first", "summary.json")}
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
