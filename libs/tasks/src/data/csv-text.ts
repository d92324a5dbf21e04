import { parse } from "csv-parse/browser/esm/sync";
import { excerpt } from "@fedclair/core";
import { readContent, type ChosenFile } from "./chosen-files.js";
import {
  csvOptions,
  delimiterOfLine,
  delimiterOfName,
  openRecords,
  type CsvRecord,
} from "./csv-table.js";
import type { TableFile } from "./table-file.js";

/**
 * Reads a CSV or TSV file by the rules of `openCsv`, in a browser too.
 * @throws UserError with the line if the file is not as expected
 */
export async function readChosenTable(file: ChosenFile): Promise<TableFile> {
  const { path, content } = file;
  const text = await readContent(file, content.text());
  const options = optionsOf(path, text);
  let records: readonly CsvRecord[] | undefined;
  // Within the iterator, so that what csv-parse throws becomes an error with the file and the line.
  return await openRecords(path, function* () {
    yield* (records ??= parse(text, options) as unknown as readonly CsvRecord[]);
  });
}

/** The part of a file that a preview reads, in bytes, and the most rows and columns of it. */
const [previewBytes, previewRows, previewColumns] = [1 << 16, 6, 20];

/**
 * Reads the names of the first columns and the first rows, whatever a trial wants of them. Long
 * cells are cut.
 * @throws UserError if the file cannot be read
 */
export async function previewTable(file: ChosenFile): Promise<readonly (readonly string[])[]> {
  const { path, content } = file;
  const text = await readContent(file, content.slice(0, previewBytes).text());
  const options = { ...optionsOf(path, text), info: false, relax_column_count: true };
  const rows: string[][] = parse(text, { ...options, to: previewRows });
  return rows.map((cells) => [
    ...cells.slice(0, previewColumns).map(excerpt),
    ...(cells.length > previewColumns ? ["…"] : []),
  ]);
}

function optionsOf(path: string, text: string) {
  const [line = ""] = text.split("\n", 1);
  return csvOptions(delimiterOfName(path) ?? delimiterOfLine(line));
}
