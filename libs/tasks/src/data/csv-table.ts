import { UserError } from "@fedclair/core";
import type { CsvError, Options } from "csv-parse";
import { requireUtf8 } from "./cell-texts.js";
import { longestRow, requireFewColumns, type Row, type TableFile } from "./table-file.js";

/*
 * How a CSV file becomes a table. How it is read differs: Node.js reads it in pieces, and a browser
 * tab has it in memory.
 */

/** A record with its place in the file, as the option `info` of csv-parse gives it. */
export interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Returns csv-parse's options for a file (RFC 4180) with this delimiter. */
export function csvOptions(delimiter: string): Options {
  return {
    delimiter,
    bom: true,
    info: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
  };
}

/** Returns the delimiter if the name decides it: a tab for .tsv. */
export function delimiterOfName(name: string): string | undefined {
  return /\.tsv(\.gz)?$/i.test(name) ? "\t" : undefined;
}

/** Returns the delimiter of a .csv file: a comma or, if the first line has none, a semicolon. */
export function delimiterOfLine(first: string): string {
  return first.includes(";") && !first.includes(",") ? ";" : ",";
}

/**
 * Makes a table of records. The first record names the columns.
 * @param readRecords starts reading the file from its beginning
 * @throws UserError if the file is empty, or with the line that is no CSV
 */
export async function openRecords(
  path: string,
  readRecords: () => AsyncIterable<CsvRecord> | Iterable<CsvRecord>,
): Promise<TableFile> {
  const read = () => explainFaults(path, readRecords);
  for await (const { record } of read()) {
    const columns = record.map((name) => name.trim());
    requireFewColumns(path, columns.length);
    requireUtf8(columns, path);
    return { path, unit: "line", columns, read: (names) => pickCells(read(), columns, names) };
  }
  throw new UserError(
    `source: ${path}: expected a first row with names of columns, got an empty file`,
  );
}

async function* pickCells(
  records: AsyncIterable<CsvRecord>,
  columns: readonly string[],
  names: readonly string[],
): AsyncGenerator<Row> {
  const known = new Map(columns.map((name, place) => [name, place]));
  const places = names.map((name) => known.get(name) ?? -1);
  let isHeader = true;
  for await (const { record, info } of records) {
    if (!isHeader) yield { number: info.lines, cells: places.map((place) => record[place]) };
    isHeader = false;
  }
}

async function* explainFaults(
  path: string,
  readRecords: () => AsyncIterable<CsvRecord> | Iterable<CsvRecord>,
): AsyncGenerator<CsvRecord> {
  try {
    yield* readRecords();
  } catch (error) {
    throw isCsvError(error) ? toUserError(error, path) : error;
  }
}

/** Recognises errors by their code, because both builds of csv-parse have a class of their own. */
function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("CSV_");
}

function toUserError(error: CsvError, path: string): UserError {
  const { code, lines, record, records } = error as CsvError & Readonly<Record<string, unknown>>;
  // The line would be the last one. The row is the number of records before it, with the header.
  if (code === "CSV_QUOTE_NOT_CLOSED") {
    return new UserError(
      `source: ${path}, row ${String(records)}: a quoted cell is never closed; close it, and double the quotes inside a cell`,
    );
  }
  const place = `source: ${path}, line ${String(lines)}`;
  if (code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH" && Array.isArray(record)) {
    return new UserError(
      `${place}: expected as many cells as in the first row, got ${record.length}; quote cells that contain the separator`,
    );
  }
  return new UserError(`${place}: ${error.message}`);
}
