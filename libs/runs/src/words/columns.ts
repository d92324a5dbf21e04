import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";

/**
 * Formats rows as padded columns of text. The first row is the head. Cells may contain terminal
 * colours.
 */
export function columns(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
): string {
  const plain = (cell: string) => stripVTControlCharacters(cell);
  const widths = align.map((_, i) =>
    rows.reduce((widest, row) => Math.max(widest, plain(row[i] ?? "").length), 0),
  );
  return rows
    .map((row, r) => {
      const cells = align.map((side, i) => {
        const cell = row[i] ?? "";
        const padding = " ".repeat((widths[i] ?? 0) - plain(cell).length);
        return side === "left" ? cell + padding : padding + cell;
      });
      const line = cells.join("  ").trimEnd();
      return r === 0 ? pc.dim(line) : line;
    })
    .join("\n");
}
