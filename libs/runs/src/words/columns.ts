import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { Terminal } from "./terminal.js";

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

/** Formats rows whose last cell is a reason. Where they do not fit, reasons are on own lines. */
export function reasonTable(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
  terminal: Terminal | undefined,
): string {
  const whole = columns(rows, [...align, "left"]);
  if (!terminal) return whole;
  const { width, wrap } = terminal;
  const lines = stripVTControlCharacters(whole).split("\n");
  if (lines.every((line) => line.length <= width)) return whole;
  return columns(rows, align)
    .split("\n")
    .flatMap((line, i) => {
      const reason = rows[i]?.[align.length] ?? "";
      if (i === 0 || reason === "") return [line];
      const wrapped = wrap(reason, width - indent.length).split("\n");
      return [line, ...wrapped.map((part) => indent + part)];
    })
    .join("\n");
}
