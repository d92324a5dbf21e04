import {
  findMethods,
  formatCell,
  formatFacet,
  formatPlace,
  groupTables,
  tableCells,
  type Grid,
  type SweepResults,
  type Table,
} from "@fedclair/runs";
import { toLatex } from "./latex-text.js";

/** Says what bold numbers mean, for captions. */
const boldNote = "Bold: the best under the same conditions, and those not distinguishable from it.";

/**
 * Formats the tables of a sweep for LaTeX, with rules of the package booktabs. The best methods and
 * those not distinguishable from them are bold.
 */
export function latexTables(grid: Grid, results: SweepResults): string {
  return groupTables(results.tables)
    .map((group, i) => {
      const { title, heads, rows } = tableCells(group);
      const isBold = (r: number, c: number) => {
        const table = group.length > 1 ? group[c] : group[0];
        return table !== undefined && isBest(grid, results, table, r, group.length > 1 ? 0 : c);
      };
      const body = rows.map(([head = "", ...cells], r) =>
        [toLatex(head), ...cells.map((cell, c) => formatNumbers(cell, isBold(r, c)))].join(" & "),
      );
      const caption = [title, ...results.notes].filter((text) => text !== "").map(endSentence);
      const hasBold = rows.some((row, r) => row.some((_, c) => isBold(r, c)));
      return [
        "\\begin{table}",
        "\\centering",
        `\\caption{${[...caption, ...(hasBold ? [boldNote] : [])].map(toLatex).join(" ")}}`,
        `\\label{tab:${grid.name}-${i + 1}}`,
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        `\\begin{tabular}{l${"r".repeat(heads.length)}}`,
        "\\toprule",
        `${["", ...heads.map(toLatex)].join(" & ")} \\\\`,
        "\\midrule",
        ...body.map((row) => `${row} \\\\`),
        "\\bottomrule",
        "\\end{tabular}}",
        "\\end{table}",
        "",
      ].join("\n");
    })
    .join("\n");
}

function formatNumbers(cell: string, isBold: boolean): string {
  return isBold ? `\\textbf{${toLatex(cell)}}` : toLatex(cell);
}

/** Does a cell belong to the best method, or to one not distinguishable from it? */
function isBest(
  grid: Grid,
  { best }: SweepResults,
  { measure, facet, rows: down, columns: across, cells }: Table,
  r: number,
  c: number,
): boolean {
  const [row = "", column = ""] = [down[r], across[c]];
  if (formatCell(cells[r]?.[c]) === "–") return false;
  const { rows, columns } = grid;
  const path = findMethods(grid)?.path;
  const trial = grid.trials.find(
    ({ at }) =>
      (!rows || at.get(rows.path) === row) &&
      (!columns || at.get(columns.path) === column) &&
      formatFacet(grid, at) === facet,
  );
  if (!trial) return false;
  const others = [...trial.at].filter(([key]) => key !== "seed" && key !== path);
  const place = formatPlace(new Map(others));
  const method = path === undefined ? row : trial.at.get(path);
  const found = best.find((one) => one.measure === measure && one.place === place);
  return (
    method !== undefined && [found?.methods, found?.alike].some((all) => all?.includes(method))
  );
}

function endSentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
