import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { csvLine } from "@fedclair/runs";
import type { Table } from "./tables.js";

/**
 * Writes a table as CSV. Lines end with CR LF.
 * @param file is overwritten
 */
export async function writeCsv(table: Table, file: string): Promise<void> {
  await pipeline(Readable.from(generateLines(table)), createWriteStream(file));
}

async function* generateLines({ columns, rows }: Table): AsyncGenerator<string> {
  yield csvLine(columns.map(({ name }) => name)) + "\r\n";
  for await (const row of rows()) yield csvLine(row) + "\r\n";
}
