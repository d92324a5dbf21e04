import {
  findBestCells,
  formatCell,
  mainRecords,
  noDescription,
  type ComparedStudy,
  type StudyComparison,
  type Table,
} from "@fedclair/runs";
import { accuracyFigure } from "../figures/accuracy-figure.js";
import { drawFigures, type Drawing } from "../figures/figures.js";
import { maxColours, methodFigure } from "../figures/method-figure.js";
import { commonRounds } from "../figures/rounds.js";
import { html, table, type Html } from "./html.js";
import { htmlPage, loneFigureSection } from "./page.js";
import { differenceSection, missingNote, resultsNote, sweepAnswer } from "./sweep-sections.js";

/** Addresses of compared studies, by name. A page that stands alone has none. */
type NameLinks = ReadonlyMap<string, string>;

/**
 * A self-contained page that compares studies over seeds, or single runs.
 * @param studies those of the results; those without numbers get dashes
 */
export async function studyPage(
  results: StudyComparison,
  studies: readonly ComparedStudy[],
  links: NameLinks = new Map(),
): Promise<string> {
  const names = studies.map(({ name }) => name);
  const figures = await drawFigures([...drawCourses(studies), ...drawMeasures(results)]);
  const unfinished = studies.filter(({ run }) => run?.isFinished === false);
  const main = html`<section id="measures">
      <h2>Measures</h2>
      ${resultsNote(results)}
      ${unfinished.map(
        ({ name }) =>
          html`<p class="mistake">
            ${name} is unfinished: its measures cover only the rounds so far.
          </p>`,
      )}
      ${table(
        ["measure", ...linkNames(names, links)],
        results.tables.map((one) => [html`<code>${one.measure}</code>`, ...rowOf(one, names)]),
        { hasRowHeads: true },
      )}
    </section>
    ${differenceSection(results)} ${differingKeys(results, names, links)}
    ${figures.map((figure) => loneFigureSection(figure))}`;
  const isOfRuns = studies.every(({ run }) => run !== undefined);
  const title = `${String(names.length)} ${isOfRuns ? "runs" : "studies"} compared`;
  const home = links.size === 0 ? undefined : html`<p><a href="/">All runs</a></p>`;
  const head = html`${home} ${sweepAnswer(results, (place) => links.get(place))}
  ${missingNote(results)}`;
  return htmlPage(title, head, main);
}

function rowOf({ columns, cells: [row = []], worse }: Table, names: readonly string[]) {
  const best = findBestCells(row, worse);
  return names.map((name) => {
    const place = columns.indexOf(name);
    const text = formatCell(row[place]);
    return best.has(place) ? html`<b>${text}</b>` : text;
  });
}

/** A table of the keys in which trial files differ. */
function differingKeys(
  { trialDifferences }: StudyComparison,
  names: readonly string[],
  links: NameLinks,
): Html {
  return html`<section id="differences">
    <h2>What differs in the trials</h2>
    ${
      trialDifferences.length === 0
        ? html`<p>Nothing.</p>`
        : table(
            ["key", ...linkNames(names, links)],
            trialDifferences.map(({ path, values }) => [
              html`<code>${path}</code>`,
              ...values.map((value) => value ?? "–"),
            ]),
            { hasRowHeads: true },
          )
    }
  </section>`;
}

/** Names as heads of a table. */
function linkNames(names: readonly string[], links: NameLinks): (string | Html)[] {
  return names.map((name) => {
    const link = links.get(name);
    return link === undefined ? name : html`<a href="${link}">${name}</a>`;
  });
}

/** Draws the main arms of single runs, in the rounds that all of them have. */
function drawCourses(studies: readonly ComparedStudy[]): Drawing[] {
  const runs = studies.flatMap(({ run }) => run ?? []);
  if (runs.length < studies.length) return [];
  const records = runs.map(mainRecords);
  const rounds = commonRounds(records);
  const arms = new Map(
    records.map((own, i) => [studies[i]?.name ?? "", own.filter(({ round }) => rounds.has(round))]),
  );
  return [
    {
      name: "runs",
      title: "Benign clients over rounds",
      caption:
        "The main arm of every run: the mean and the 10–90 % range of the benign clients that measured in all runs, each on its own data.",
      draw: (width) => accuracyFigure(arms, runs[0]?.description ?? noDescription, width),
    },
  ];
}

/** The table has every measure; a page with dozens of figures would not be read. */
const maxFigures = 8;

/** Draws the measures whose differences are known. */
function drawMeasures({ tables, differences }: StudyComparison): Drawing[] {
  const compared = new Set(differences.map(({ measure }) => measure));
  const drawn = tables.filter(
    ({ measure, columns }) => compared.has(measure) && columns.length <= maxColours,
  );
  return drawn.slice(0, maxFigures).map((one) => ({
    name: one.measure,
    title: one.measure,
    caption: "Mean over seeds with its 95 % Student interval; each tick is a seed.",
    draw: (width) => methodFigure([toRows(one)], width),
  }));
}

/** Puts the studies below each other. */
function toRows({ columns, cells, ...rest }: Table): Table {
  return { ...rest, rows: columns, columns: [""], cells: columns.map((_, c) => [cells[0]?.[c]]) };
}
