import {
  bestCells,
  differenceAdvice,
  formatDifference,
  formatP,
  groupTables,
  maxFindings,
  meanNote,
  shareNote,
  tableCells,
  verdictCells,
  verdictTitle,
  type SweepResults,
} from "@fedclair/runs";
import { columnTable, html, table, type Html } from "./html.js";

/**
 * What a sweep found: first what matters most, then the findings of each study with a link to its
 * runs. A long list is folded.
 */
export function sweepAnswer(
  { highlights, models, findings }: SweepResults,
  linkOf: (place: string) => string | undefined,
): Html {
  const answers = [
    ...highlights,
    ...(models === undefined ? [] : [{ topic: "Models", texts: [`${models}.`] }]),
  ];
  const studies = findings.map(({ place, texts }) => {
    const link = linkOf(place);
    const name = link === undefined ? html`<b>${place}</b>` : html`<a href="${link}">${place}</a>`;
    return html`<li>${name}: ${texts.join("; ")}.</li>`;
  });
  return html`${
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

/** The tables of a sweep. */
export function tableSections(results: SweepResults): Html {
  const { tables, verdicts } = results;
  const [heads = [], ...counts] = verdictCells(verdicts);
  return html`<section id="results">
    <h2>Results</h2>
    ${resultsNote(results)}
    ${groupTables(tables).map((group) => {
      const { title, heads, rows, worst } = tableCells(group);
      const body = worst.length === 0 ? rows : [...rows, ["worst", ...worst]];
      return html`${title === "" ? undefined : html`<h3>${title}</h3>`}
      ${table(["", ...heads], body)}`;
    })}
    ${
      counts.length === 0
        ? undefined
        : html`<h3>${verdictTitle}</h3>
            ${table(heads, counts)}`
    }
  </section>`;
}

function bestTable(best: SweepResults["best"]): Html {
  const [heads = [], ...rows] = bestCells(best);
  return table(heads, rows);
}

/** The paired differences; undefined if there are none. */
export function differenceSection(results: SweepResults): Html | undefined {
  const { differences, correction, best } = results;
  if (differences.length === 0) return undefined;
  const hasPlace = differences.some(({ place }) => place !== "");
  return html`<section id="paired">
    <h2>Differences</h2>
    <p class="note">${differenceAdvice(results)}</p>
    ${best.length === 0 ? undefined : bestTable(best)}
    ${columnTable(differences, [
      hasPlace && ["where", ({ place }) => place],
      ["difference", ({ method, reference }) => `${method} − ${reference}`],
      ["measure", ({ measure }) => measure],
      ["mean [95 % interval] (seeds)", formatDifference],
      correction !== undefined && ["p", ({ p }) => formatP(p)],
      ["the first is", ({ outcome }) => outcome],
    ])}
  </section>`;
}
