import { pipeline } from "node:stream";
import { UserError } from "@fedclair/core";
import { CsvError, parse } from "csv-parse";
import type { Row, TableFile } from "./table-file.js";
import { longestRow, openText, readLines } from "./text-stream.js";

/** A record with its place in the file, as the option `info` of csv-parse gives it. */
interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Opens a CSV file (RFC 4180) whose first row names the columns. Cells are separated by commas or,
 * if the first line has none, by semicolons; in a .tsv file by tabs.
 */
export async function openCsv(path: string): Promise<TableFile> {
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? "\t" : await findDelimiter(path);
  for await (const { record } of readRecords(path, delimiter)) {
    const columns = record.map((name) => name.trim());
    return {
      path,
      unit: "line",
      columns,
      read: (names) => readRows(path, delimiter, columns, names),
    };
  }
  throw new UserError(
    `source: ${path}: expected a first row with names of columns, got an empty file`,
  );
}

async function findDelimiter(path: string): Promise<string> {
  for await (const line of readLines(path)) {
    return line.includes(";") && !line.includes(",") ? ";" : ",";
  }
  return ",";
}

async function* readRows(
  path: string,
  delimiter: string,
  columns: readonly string[],
  names: readonly string[],
): AsyncGenerator<Row> {
  const places = names.map((name) => columns.indexOf(name));
  let isHeader = true;
  for await (const { record, info } of readRecords(path, delimiter)) {
    if (!isHeader) yield { number: info.lines, cells: places.map((place) => record[place]) };
    isHeader = false;
  }
}

async function* readRecords(path: string, delimiter: string): AsyncGenerator<Parsed> {
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
  });
  try {
    yield* pipeline(openText(path), parser, () => undefined) as AsyncIterable<Parsed>;
  } catch (error) {
    if (error instanceof CsvError) throw toUserError(error, path);
    throw error;
  }
}

function toUserError(error: CsvError, path: string): UserError {
  const { code, lines, record } = error as CsvError & Readonly<Record<string, unknown>>;
  const place = `source: ${path}, line ${String(lines)}`;
  if (code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH" && Array.isArray(record)) {
    return new UserError(
      `${place}: expected as many cells as in the first row, got ${record.length}; quote cells that contain the separator`,
    );
  }
  return new UserError(`${place}: ${error.message}`);
}
