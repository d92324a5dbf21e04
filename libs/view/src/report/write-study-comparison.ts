import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { formatCell, makeFolder, type SweepResults, type Table } from "@fedclair/runs";
import { drawFigures } from "../figures/figures.js";
import { html, table } from "./html.js";
import { maxColours, methodFigure } from "../figures/method-figure.js";
import { htmlPage, loneFigureSection } from "./page.js";
import { differenceSection, findingList, resultsNote } from "./sweep-sections.js";

/** Writes a comparison of studies into a new file, as a self-contained page. */
export async function writeStudyComparison(file: string, results: SweepResults): Promise<void> {
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
  const heads = tables[0]?.columns ?? [];
  const main = html`<section>
      <h2>Measures</h2>
      ${resultsNote(results)}
      ${table(
        ["measure", ...heads],
        tables.map(({ measure, cells }) => [
          html`<code>${measure}</code>`,
          ...heads.map((_, c) => formatCell(cells[0]?.[c])),
        ]),
      )}
    </section>
    ${differenceSection(results)} ${figures.map((figure) => loneFigureSection(figure))}`;
  await makeFolder(dirname(file));
  const title = `${String(heads.length)} studies compared`;
  const page = htmlPage({ title, claim: undefined }, findingList(results), main);
  await writeFile(file, page, { flag: "wx" });
}

/** The table below has every measure; a page with dozens of figures would not be read. */
const maxFigures = 8;

/** Puts the studies below each other. */
function toRows({ columns, cells, ...rest }: Table): Table {
  return { ...rest, rows: columns, columns: [""], cells: columns.map((_, c) => [cells[0]?.[c]]) };
}
