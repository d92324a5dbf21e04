import { UserError } from "@fedclair/core";

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
  /** The names of all columns that can be read. */
  readonly columns: readonly string[];
  /** Columns of lists or structs, which cannot be read. */
  readonly nested?: readonly string[];
  /** Reads the rows one after another, as far as the caller asks. */
  read(columns: readonly string[]): AsyncIterable<Row>;
}

/**
 * The most cells that a task reads of a table: half a gigabyte of numbers. MNIST as a table has 55
 * million.
 */
export const largestTable = 1 << 26;

/** The most columns of a table. An image of 512×512 pixels has as many. */
const mostColumns = 1 << 18;

/**
 * The largest number of a cell. The square of a larger one, or a sum of some, would exceed what a
 * client may send, so that its answers would be rejected without naming the cell.
 */
export const largestNumber = 1e24;

/** @throws UserError if a table has more columns than it may */
export function requireFewColumns(path: string, count: number): void {
  if (count <= mostColumns) return;
  throw new UserError(
    `source: ${path}: expected at most ${mostColumns} columns, got ${count}: leave some out, or make images smaller`,
  );
}

/** The longest row of a text file, in characters. A file with a longer one is not a table. */
export const longestRow = 1 << 22;
