import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { Terminal } from "./terminal.js";

/** Spaces before the rest of a row that does not fit on a line. */
const indent = "    ";

/**
 * Formats rows as padded columns of text. The first row is the head. Cells may contain terminal
 * colours.
 * @param width the longest line. In a wider table heads break at dots and spaces. Numbers that
 *   still do not fit follow as a table of their own; other columns go on below in each row.
 */
export function columns(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
  width = Infinity,
): string {
  if (fitColumns(widthsOf(rows, align.length), width).length === 1)
    return padColumns(rows, 1, align, width);
  const [head = [], ...body] = rows;
  const heads = breakHeads(head, widthsOf(body, align.length));
  const broken = [...heads, ...body];
  const [first = [], ...more] = fitColumns(widthsOf(broken, align.length), width);
  if (more.length === 0) return padColumns(broken, heads.length, align, width);
  const isNumeric = align.slice(1).every((side) => side === "right");
  if (!isNumeric || first.length === 1) return padColumns(rows, 1, align, width);
  const rest = [...align.keys()].filter((i) => i === 0 || !first.includes(i));
  const pick = <T>(cells: readonly T[], places: readonly number[]) =>
    places.flatMap((i) => cells[i] ?? []);
  return [first, rest]
    .map((places) =>
      columns(
        rows.map((row) => pick(row, places)),
        pick(align, places),
        width,
      ),
    )
    .join("\n\n");
}

const plain = (cell: string) => stripVTControlCharacters(cell);

function widthsOf(rows: readonly (readonly string[])[], count: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    rows.reduce((widest, row) => Math.max(widest, plain(row[i] ?? "").length), 0),
  );
}

/** Breaks the heads that are wider than their columns. Returns as many rows as the tallest has. */
function breakHeads(heads: readonly string[], widths: readonly number[]): string[][] {
  const stacks = heads.map((head, i) => {
    const parts = head.split(/(?<=\.)|(?<= )/);
    const limit = Math.max(widths[i] ?? 0, ...parts.map((part) => part.trim().length));
    return parts.reduce<string[]>((lines, part) => {
      const last = lines.at(-1);
      const joined = (last ?? "") + part;
      if (last === undefined || joined.trim().length > limit) return [...lines, part];
      return [...lines.slice(0, -1), joined];
    }, []);
  });
  const height = Math.max(...stacks.map((stack) => stack.length));
  return Array.from({ length: height }, (_, line) =>
    stacks.map((stack) => stack[line - height + stack.length]?.trim() ?? ""),
  );
}

/** @param heads how many of the rows are heads */
function padColumns(
  rows: readonly (readonly string[])[],
  heads: number,
  align: readonly ("left" | "right")[],
  width: number,
): string {
  const widths = widthsOf(rows, align.length);
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
        return r < heads ? pc.dim(text) : text;
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
