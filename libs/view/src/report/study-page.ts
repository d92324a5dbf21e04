import { formatCell, type RunComparison, type SweepResults, type Table } from "@fedclair/runs";
import { drawFigures } from "../figures/figures.js";
import { maxColours, methodFigure } from "../figures/method-figure.js";
import { differingKeys, homeLink, linkNames, type NameLinks } from "./comparison-page.js";
import { html, table } from "./html.js";
import { htmlPage, loneFigureSection } from "./page.js";
import { differenceSection, missingNote, resultsNote, sweepAnswer } from "./sweep-sections.js";

/**
 * A self-contained page that compares studies over seeds.
 * @param names the names of all studies; those without numbers get dashes
 */
export async function studyPage(
  results: SweepResults,
  names: readonly string[],
  { keys, links = new Map() }: StudyPlaces = {},
): Promise<string> {
  const { tables } = results;
  const compared = new Set(results.differences.map(({ measure }) => measure));
  const drawn = tables.filter(
    ({ measure, columns }) => compared.has(measure) && columns.length <= maxColours,
  );
  const figures = await drawFigures(
    drawn.slice(0, maxFigures).map((one) => ({
      name: one.measure,
      title: one.measure,
      caption: "Mean over seeds with its 95 % Student interval; each tick is a seed.",
      draw: (width: number) => methodFigure([toRows(one)], width),
    })),
  );
  const main = html`<section id="measures">
      <h2>Measures</h2>
      ${resultsNote(results)}
      ${table(
        ["measure", ...linkNames(names, links)],
        tables.map(({ measure, columns, cells }) => [
          html`<code>${measure}</code>`,
          ...names.map((name) => formatCell(cells[0]?.[columns.indexOf(name)])),
        ]),
        { hasRowHeads: true },
      )}
    </section>
    ${differenceSection(results)} ${keys && differingKeys(names, keys, links)}
    ${figures.map((figure) => loneFigureSection(figure))}`;
  const title = `${String(names.length)} studies compared`;
  const head = html`${homeLink(links)} ${sweepAnswer(results, (place) => links.get(place))}
  ${missingNote(results)}`;
  return htmlPage(title, head, main);
}

/** Facts about the folders of the studies, for pages that have them. */
interface StudyPlaces {
  /** The keys in which the trial files differ. */
  readonly keys?: RunComparison["differences"];
  readonly links?: NameLinks;
}

/** The table below has every measure; a page with dozens of figures would not be read. */
const maxFigures = 8;

/** Puts the studies below each other. */
function toRows({ columns, cells, ...rest }: Table): Table {
  return { ...rest, rows: columns, columns: [""], cells: columns.map((_, c) => [cells[0]?.[c]]) };
}
