import { pipeline } from "node:stream";
import { parse } from "csv-parse";
import {
  csvOptions,
  delimiterOfLine,
  delimiterOfName,
  openRecords,
  type CsvRecord,
} from "./csv-table.js";
import type { TableFile } from "./table-file.js";
import { openText, readTextLines } from "./text-stream.js";

/**
 * Opens a CSV file (RFC 4180) whose first row names the columns. Cells are separated by commas or,
 * if the first line has none, by semicolons; in a .tsv file by tabs.
 */
export async function openCsv(path: string, signal: AbortSignal): Promise<TableFile> {
  const delimiter = delimiterOfName(path) ?? (await findDelimiter(path, signal));
  return await openRecords(path, () => {
    const parser = parse(csvOptions(delimiter));
    return pipeline(openText(path, signal), parser, () => undefined) as AsyncIterable<CsvRecord>;
  });
}

async function findDelimiter(path: string, signal: AbortSignal): Promise<string> {
  for await (const [line = ""] of readTextLines(path, signal)) return delimiterOfLine(line);
  return ",";
}
