/** A row of a table. */
export interface Row {
  /** The number of the row, or of the line in a text file, from 1. */
  readonly number: number;
  /** The cells of the requested columns, in their order; undefined if a row lacks one. */
  readonly cells: readonly unknown[];
}

/** A table in a file, of any format. */
export interface TableFile {
  readonly path: string;
  /** What `Row.number` counts. */
  readonly unit: "line" | "row";
  /** The names of all columns. */
  readonly columns: readonly string[];
  /** Reads the rows one after another, as far as the caller asks. */
  read(columns: readonly string[]): AsyncIterable<Row>;
}

/**
 * The most cells that a task reads of a table: half a gigabyte of numbers. MNIST as a table has 55
 * million.
 */
export const largestTable = 1 << 26;

/** The longest row of a text file, in characters. A file with a longer one is not a table. */
export const longestRow = 1 << 22;
