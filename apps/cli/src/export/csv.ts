import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { printable } from "@fedclair/core/internal";
import type { Cell, Table } from "./tables.js";

/** Writes a table as RFC 4180 has it, lines ended by CR LF, a cell without a value empty. @param file is written over */
export async function writeCsv(table: Table, file: string): Promise<void> {
  await pipeline(Readable.from(linesOf(table)), createWriteStream(file));
}

async function* linesOf({ columns, rows }: Table): AsyncGenerator<string> {
  yield lineOf(columns.map(({ name }) => name));
  for await (const row of rows()) yield lineOf(row);
}

function lineOf(cells: readonly Cell[]): string {
  return cells.map(cellText).join(",") + "\r\n";
}

/** Most texts, and faster to tell than by every character. */
const isPlain = /^[ -~]*$/;

/** A text that a spreadsheet would take for a formula begins with an apostrophe: a stranger may have chosen it. */
function cellText(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  const shown = (isPlain.test(cell) ? cell : printable(cell, Infinity)).replace(/^[=+\-@]/, "'$&");
  return /[",]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
