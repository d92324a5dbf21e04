import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { csvLine } from "@fedclair/runs";
import type { ExportTable } from "./tables.js";

/**
 * Writes a table as CSV. Lines end with CR LF.
 * @param file is overwritten
 */
export async function writeCsv(table: ExportTable, file: string): Promise<void> {
  await pipeline(Readable.from(generateLines(table)), createWriteStream(file));
}

async function* generateLines({ columns, rows }: ExportTable): AsyncGenerator<string> {
  yield csvLine(columns.map(({ name }) => name)) + "\r\n";
  for await (const row of rows()) yield csvLine(row) + "\r\n";
}
