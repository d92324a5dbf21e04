import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";

/** Spaces before the rest of a row that does not fit on a line. */
const indent = "    ";

/**
 * Formats rows as padded columns of text. The first row is the head. Cells may contain terminal
 * colours.
 * @param width the longest line: rows go on below with the columns that do not fit
 */
export function columns(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
  width = Infinity,
): string {
  const plain = (cell: string) => stripVTControlCharacters(cell);
  const widths = align.map((_, i) =>
    rows.reduce((widest, row) => Math.max(widest, plain(row[i] ?? "").length), 0),
  );
  const lines = fitColumns(widths, width);
  return rows
    .flatMap((row, r) =>
      lines.map((line, l) => {
        const cells = line.map((i) => {
          const cell = row[i] ?? "";
          const padding = " ".repeat((widths[i] ?? 0) - plain(cell).length);
          return align[i] === "left" ? cell + padding : padding + cell;
        });
        const text = ((l === 0 ? "" : indent) + cells.join("  ")).trimEnd();
        return r === 0 ? pc.dim(text) : text;
      }),
    )
    .join("\n");
}

/** Distributes columns over lines. A column that is too wide has a line of its own. */
function fitColumns(widths: readonly number[], width: number): number[][] {
  const lines: number[][] = [[]];
  let used = 0;
  for (const [i, own] of widths.entries()) {
    const line = lines.at(-1) ?? [];
    if (line.length > 0 && used + own > width) {
      lines.push([i]);
      used = indent.length + own + 2;
    } else {
      line.push(i);
      used += own + 2;
    }
  }
  return lines;
}
