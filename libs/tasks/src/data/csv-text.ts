import { parse } from "csv-parse/browser/esm/sync";
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
  const [line = ""] = text.split("\n", 1);
  const options = csvOptions(delimiterOfName(path) ?? delimiterOfLine(line));
  let records: readonly CsvRecord[] | undefined;
  // Within the iterator, so that what csv-parse throws becomes an error with the file and the line.
  return await openRecords(path, function* () {
    yield* (records ??= parse(text, options) as unknown as readonly CsvRecord[]);
  });
}
