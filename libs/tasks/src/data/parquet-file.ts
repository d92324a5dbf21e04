import { ReaderProcess } from "./reader-process.js";
import type { Row, TableFile } from "./table-file.js";

/** A request to list the columns of a file, or to read rows of one of its groups. */
export interface ParquetRequest {
  readonly path: string;
  readonly rows?: {
    readonly names: readonly string[];
    readonly group: number;
    /** The first row, within the group. */
    readonly from: number;
  };
}

/** The columns of a file, and the number of rows in each of its groups. */
export interface ParquetColumns {
  readonly columns: readonly string[];
  readonly groups: readonly number[];
}

/** Some rows of a group: the cells of each requested column. */
export interface ParquetRows {
  readonly count: number;
  readonly cells: readonly ArrayLike<unknown>[];
}

/** V8 ends a process whose arrays grow too large, so the decoder cannot run in a thread. */
const reader = new ReaderProcess<ParquetRequest, ParquetColumns | ParquetRows>(
  new URL("parquet-reader.js", import.meta.url),
  "write it again with smaller row groups",
);

/** Opens a Parquet file. Columns of nested types are not listed. */
export async function openParquet(path: string): Promise<TableFile> {
  const { columns, groups } = (await reader.ask({ path })) as ParquetColumns;
  return { path, unit: "row", columns, read: (names) => readRows(path, groups, names) };
}

/** Reads one row group after another, in pieces. */
async function* readRows(
  path: string,
  groups: readonly number[],
  names: readonly string[],
): AsyncGenerator<Row> {
  let number = 0;
  for (const [group, rows] of groups.entries()) {
    for (let from = 0; from < rows;) {
      const request = { path, rows: { names, group, from } };
      const { count, cells } = (await reader.ask(request)) as ParquetRows;
      for (let i = 0; i < count; i++) {
        yield { number: ++number, cells: cells.map((column) => column[i]) };
      }
      from += count;
    }
  }
}
