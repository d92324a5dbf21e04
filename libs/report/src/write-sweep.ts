import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toCsv, formatNumber, type Sweep, type Table } from "@fedclair/runs";
import { writeFigures, type Drawing } from "./figures.js";
import { heatMap } from "./heat-map.js";
import { factList, html, table, type Html } from "./html.js";
import { figureSection, htmlPage } from "./page.js";

/**
 * Writes the results of a sweep: `table.csv`, `report.html`, and a heat map per measure under
 * `figures`.
 */
export async function writeSweep(
  out: string,
  sweep: Sweep,
  tables: readonly Table[],
): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "table.csv"), toCsv(tables));
  const drawings = sweep.measures.map(({ measure }): Drawing => {
    const own = tables.filter((one) => one.measure === measure);
    const [first, ...rest] = own;
    const some = own.some(({ cells }) => cells.flat().some((cell) => cell !== undefined));
    return {
      name: measure.replace(/[^a-zA-Z0-9]+/g, "-"),
      title: measure,
      caption: `Mean over seeds: ${sweep.rows?.path ?? ""} down, ${sweep.columns?.path ?? ""} across, ${formatReading(first?.worse)}`,
      spec: first && some ? heatMap([first, ...rest]) : undefined,
    };
  });
  const figures = await writeFigures(out, sweep.name, drawings);
  const head = factList(sweep.dimensions.map(({ path, labels }) => [path, labels.join(", ")]));
  const main = html`${figures.map(figureSection)} ${tables.map(tableSection)}`;
  await writeFile(
    join(out, "report.html"),
    htmlPage({ title: sweep.name, claim: sweep.claim }, head, main),
  );
}

function formatReading(worse: Table["worse"]): string {
  return worse === undefined
    ? "Light is high; the sweep does not specify which end is better."
    : `with the worst of each column in the last row. Dark is worse: ${worse} values.`;
}

function tableSection({ measure, facet, rows, columns, cells }: Table): Html {
  const body = rows.map((row, r) => [
    row,
    ...columns.map((_, c) => {
      const cell = cells[r]?.[c];
      if (cell === undefined) return "–";
      const { mean, min, max, seeds } = cell;
      return seeds === 1
        ? formatNumber(mean)
        : `${formatNumber(mean)} (${formatNumber(min)} … ${formatNumber(max)})`;
    }),
  ]);
  return html`<section>
    <h2>${facet === "" ? measure : `${measure}, ${facet}`}</h2>
    ${table(["", ...columns], body)}
  </section>`;
}
