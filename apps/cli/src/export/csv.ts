import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { printable } from "@fedclair/core/internal";
import type { Cell, Table } from "./tables.js";

/**
 * Writes a table as CSV (RFC 4180): lines end with CR LF, missing values are empty.
 * @param file is overwritten
 */
export async function writeCsv(table: Table, file: string): Promise<void> {
  await pipeline(Readable.from(generateLines(table)), createWriteStream(file));
}

async function* generateLines({ columns, rows }: Table): AsyncGenerator<string> {
  yield formatLine(columns.map(({ name }) => name));
  for await (const row of rows()) yield formatLine(row);
}

function formatLine(cells: readonly Cell[]): string {
  return cells.map(formatCell).join(",") + "\r\n";
}

/** Matches most texts; faster than a check of every character. */
const isPlain = /^[ -~]*$/;

/**
 * Formats a cell. An apostrophe in front of untrusted text prevents spreadsheets from reading it as
 * a formula.
 */
function formatCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  const safe = (isPlain.test(cell) ? cell : printable(cell, Infinity)).replace(/^[=+\-@]/, "'$&");
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
