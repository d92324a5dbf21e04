import { UserError } from "@fedclair/core";
import { parse } from "csv-parse/browser/esm/sync";
import {
  csvOptions,
  delimiterOfLine,
  delimiterOfName,
  openRecords,
  type CsvRecord,
} from "./csv-table.js";
import type { TableFile } from "./table-file.js";

/** The largest file that a browser tab reads, in bytes: it holds all of it in memory. */
export const largestFile = 1 << 26;

/** A file that the user of a page has chosen. A browser's `File` is one. */
export interface ChosenFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  text(): Promise<string>;
}

/** A table in memory. */
export interface ChosenTable extends TableFile {
  /** The number of rows, without the names of the columns. */
  readonly rows: number;
}

/**
 * Reads a CSV or TSV file by the rules of `openCsv`, in a browser too.
 * @throws UserError with the line if the file is not as expected
 */
export async function readChosenTable(file: ChosenFile): Promise<ChosenTable> {
  const { name, size } = file;
  if (!/\.(csv|tsv)$/i.test(name)) {
    throw new UserError(`source: ${name}: expected a file whose name ends in .csv or .tsv`);
  }
  if (size > largestFile) {
    throw new UserError(
      `source: ${name}: expected at most ${largestFile} bytes, got ${size}: leave rows out, or let a host of another kind join (fedclair client)`,
    );
  }
  const text = await file.text().catch((error: unknown) => {
    throw new UserError(
      `source: cannot read ${name}: ${String(error)}: choose it again if it has changed since`,
    );
  });
  const [line = ""] = text.split("\n", 1);
  const options = csvOptions(delimiterOfName(name) ?? delimiterOfLine(line));
  let records: readonly CsvRecord[] | undefined;
  // Within the iterator, so that what csv-parse throws becomes an error with the file and the line.
  const readRecords = function* () {
    yield* (records ??= parse(text, options) as unknown as readonly CsvRecord[]);
  };
  const table = await openRecords(name, readRecords);
  return { ...table, rows: (records?.length ?? 1) - 1 };
}
