import { UserError } from "@fedclair/core";
import { ReaderProcess } from "./reader-process.js";
import { requireFewColumns, type Row, type TableFile } from "./table-file.js";

/*
 * Files that store columns, which a process of its own decodes: V8 ends a process whose arrays grow
 * too large, so the decoder cannot run in a thread.
 */

/** A request to list the columns of a file, or to read rows of one of its groups. */
export interface ColumnarRequest {
  readonly path: string;
  readonly rows?: {
    readonly names: readonly string[];
    readonly group: number;
    /** The first row, within the group. */
    readonly from: number;
  };
}

/** The columns of a file, and the number of rows in each of its groups. */
export interface Columns {
  readonly columns: readonly string[];
  /** Columns of lists or structs, which are not read. */
  readonly nested: readonly string[];
  readonly groups: readonly number[];
}

/** Some rows of a group: the cells of each requested column. */
export interface ColumnarRows {
  readonly count: number;
  readonly cells: readonly ArrayLike<unknown>[];
}

/** The most rows of one answer. */
export const rowsOfAnswer = 1 << 15;

type Reader = ReaderProcess<ColumnarRequest, Columns | ColumnarRows>;
type Ask = (rows?: ColumnarRequest["rows"]) => Promise<Columns | ColumnarRows>;

const parquet: Reader = new ReaderProcess(
  new URL(import.meta.resolve("#parquet-reader")),
  "write it again with smaller row groups",
);

const arrow: Reader = new ReaderProcess(
  new URL(import.meta.resolve("#arrow-reader")),
  "write it as Parquet, which is read in parts",
);

/** Opens a Parquet file. */
export function openParquet(path: string, signal: AbortSignal): Promise<TableFile> {
  return open(parquet, path, signal);
}

/** Opens an Arrow file (IPC, also Feather 2). */
export function openArrow(path: string, signal: AbortSignal): Promise<TableFile> {
  return open(arrow, path, signal);
}

async function open(reader: Reader, path: string, signal: AbortSignal): Promise<TableFile> {
  const ask: Ask = (rows) => reader.ask(rows ? { path, rows } : { path }, signal);
  const { columns, nested, groups } = (await ask()) as Columns;
  requireFewColumns(path, columns.length + nested.length);
  return {
    path,
    unit: "row",
    columns,
    nested,
    read: (names) => readRows(path, ask, groups, names),
  };
}

/** Reads one row group after another, in pieces. */
async function* readRows(
  path: string,
  ask: Ask,
  groups: readonly number[],
  names: readonly string[],
): AsyncGenerator<Row> {
  let number = 0;
  for (const [group, rows] of groups.entries()) {
    for (let from = 0; from < rows;) {
      const { count, cells } = (await ask({ names, group, from })) as ColumnarRows;
      if (count < 1) {
        throw new UserError(
          `source: ${path}: expected ${rows} rows, got ${from}: the file was changed while it was read; start again`,
        );
      }
      for (let i = 0; i < count; i++) {
        yield { number: ++number, cells: cells.map((column) => column[i]) };
      }
      from += count;
    }
  }
}
