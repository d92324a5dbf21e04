import {
  bestCells,
  differenceAdvice,
  differenceCells,
  maxFindings,
  meanNote,
  shareNote,
  sweepCard,
  verdictCells,
  verdictTitle,
  type SweepResults,
} from "@fedclair/runs";
import type { HeatTable } from "../data/heat-tables.js";
import { html, table, type Html } from "./html.js";

/**
 * What a sweep found: first what matters most, then the findings of each study with a link to its
 * runs. A long list is folded.
 */
export function sweepAnswer(
  results: SweepResults,
  linkOf: (place: string) => string | undefined,
): Html {
  const { highlights, models, findings } = results;
  const answers = [
    ...highlights,
    ...(models === undefined ? [] : [{ topic: "Models", texts: [`${models}.`] }]),
  ];
  const studies = findings.map(({ place, texts }) => {
    const link = linkOf(place);
    const name = link === undefined ? html`<b>${place}</b>` : html`<a href="${link}">${place}</a>`;
    return html`<li>${name}: ${texts.join("; ")}.</li>`;
  });
  const { tone, parts, who = [] } = sweepCard(results);
  const card = html`<p class="verdict ${tone}">${parts.join(" · ")}</p>
    ${who.map((line) => html`<p class="who">${line}</p>`)}`;
  return html`${parts.length === 0 ? undefined : card}
  ${
    answers.length === 0
      ? undefined
      : html`<dl class="answer">
          ${answers.map(
            ({ topic, texts }) =>
              html`<dt>${topic}</dt>
                ${texts.map((text) => html`<dd>${text}</dd>`)}`,
          )}
        </dl>`
  }
  ${
    studies.length === 0
      ? undefined
      : studies.length <= maxFindings
        ? html`<ul class="verdict">
            ${studies}
          </ul>`
        : html`<details>
            <summary>What each of the ${studies.length} studies found</summary>
            <ul>
              ${studies}
            </ul>
          </details>`
  }`;
}

/** Says how many trials have no numbers yet. */
export function missingNote({ trials, finished }: SweepResults): Html | undefined {
  const missing = trials - finished;
  if (missing === 0) return undefined;
  return html`<p class="mistake">${missing} of ${trials} trials have no numbers.</p>`;
}

/** Says which intervals the tables have. */
export function resultsNote({ tables, findings, notes: about }: SweepResults): Html | undefined {
  const cells = tables.flatMap((one) => one.cells.flat());
  const notes = [
    ...about,
    cells.some((cell) => cell?.interval && !cell.counts) ? meanNote : undefined,
    findings.length > 0 || cells.some((cell) => cell?.counts) ? shareNote : undefined,
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? undefined : html`<p class="note">${notes.join(" ")}</p>`;
}

/** The tables of a sweep, each cell coloured by how bad it is, with a link to its runs. */
export function tableSections(results: SweepResults, tables: readonly HeatTable[]): Html {
  const [heads = [], ...counts] = verdictCells(results.verdicts);
  const isColoured = tables.some(({ rows }) =>
    rows.some(({ cells }) => cells.some(({ level }) => level !== undefined)),
  );
  return html`<section id="results">
    <h2>Results</h2>
    ${isColoured ? html`<p class="note">The redder, the worse. A cell leads to its runs.</p>` : undefined}
    ${tables.map(heatTable)} ${resultsNote(results)}
    ${
      counts.length === 0
        ? undefined
        : html`<details>
            <summary>${verdictTitle}</summary>
            ${table(heads, counts)}
          </details>`
    }
  </section>`;
}

function heatTable({ title, heads, rows, worst }: HeatTable): Html {
  const body = rows.map(({ name, cells }) => [
    name,
    ...cells.map(({ text, level, href }) => {
      const content = href === undefined ? html`${text}` : html`<a href="${href}">${text}</a>`;
      return level === undefined ? content : html`<span class="heat${level}">${content}</span>`;
    }),
  ]);
  return html`${title === "" ? undefined : html`<h3>${title}</h3>`}
    <div class="heat">
      ${table(["", ...heads], worst.length === 0 ? body : [...body, ["worst", ...worst]])}
    </div>`;
}

/** The paired differences; undefined if there are none. */
export function differenceSection(results: SweepResults): Html | undefined {
  const { differences, best } = results;
  if (differences.length === 0) return undefined;
  const [heads = [], ...bestRows] = bestCells(best);
  const [columns = [], ...rows] = differenceCells(differences);
  return html`<section id="paired">
    <h2>Differences</h2>
    <p class="note">${differenceAdvice(results)}</p>
    ${best.length === 0 ? undefined : table(heads, bestRows)}
    <details class="long">
      <summary>All ${differences.length} differences</summary>
      ${table(columns, rows)}
    </details>
  </section>`;
}
