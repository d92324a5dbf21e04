import { excerpt, UserError } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { commaRemedy, isCommaNumber, requireUtf8 } from "../data/cell-texts.js";
import type { MixedCells, Table } from "../data/table-builder.js";
import { sortNames } from "../data/table.js";

/** The most different texts of a column, unless the trial lists them. */
const mostValues = 100;

/** The inputs of every row: a number for a column of numbers, and one per value of a category. */
export interface Inputs {
  /** Rows×width, in the units of the table; NaN where a number is missing. */
  readonly values: Float64Array;
  readonly width: number;
  /** The inputs that are columns of numbers, by their place. */
  readonly numeric: readonly { readonly place: number; readonly name: string }[];
  /** The names of columns with categories, and how many values each has. */
  readonly categories: readonly { readonly name: string; readonly values: number }[];
  /** The number of cells without a value. */
  readonly missing: number;
}

/**
 * Turns the cells of the input columns into numbers.
 * @param listed the values of columns that the trial names as categories
 * @param dropsFirst whether the first value of a category has no input of its own, because least
 * squares needs inputs that do not depend on one another
 * @throws UserError with column and row if the cells are of no one kind
 */
export function encodeInputs(
  table: Table,
  listed: Readonly<Record<string, readonly string[]>>,
  dropsFirst: boolean,
): Inputs {
  const names = table.names("inputs");
  const cells = table.mixed("inputs");
  const stranger = Object.keys(listed).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw new UserError(
      `source.categories: '${excerpt(stranger)}' is none of the inputs ${excerpt(names.join(", "))}`,
    );
  }
  const columns = names.map((name, j) => ({
    name,
    values: findValues(table, cells, j, Object.hasOwn(listed, name) ? listed[name] : undefined),
  }));
  const skip = Number(dropsFirst);
  const width = columns.reduce((sum, { values }) => sum + (values ? values.length - skip : 1), 0);
  const values = new Float64Array(table.rows * width);
  const numeric: { place: number; name: string }[] = [];
  let missing = 0;
  let place = 0;
  columns.forEach(({ name, values: known }, j) => {
    const numberOf = known && new Map(known.map((value, k) => [value, k - skip]));
    for (let row = 0; row < table.rows; row++) {
      const position = row * names.length + j;
      const text = textAt(cells, position);
      if (text === undefined) missing++;
      if (!numberOf) values[row * width + place] = item(cells.numbers, position);
      else if (text !== undefined) {
        const k = numberOf.get(text);
        if (k === undefined) throw createUnknown(table, row, name, text, known);
        if (k >= 0) values[row * width + place + k] = 1;
      }
    }
    if (!known) numeric.push({ place, name });
    place += known ? known.length - skip : 1;
  });
  const categories = columns.flatMap(({ name, values: known }) =>
    known ? { name, values: known.length } : [],
  );
  return { values, width, numeric, categories, missing };
}

/** Returns a cell as a text; undefined if it is missing. */
function textAt(cells: MixedCells, position: number): string | undefined {
  const number = item(cells.numbers, position);
  return Number.isNaN(number) ? cells.text(position) : String(number);
}

/** Returns the values of a column of categories; undefined if it is one of numbers. */
function findValues(
  table: Table,
  cells: MixedCells,
  column: number,
  listed: readonly string[] | undefined,
): readonly string[] | undefined {
  if (listed) return listed;
  const names = table.names("inputs");
  const name = item(names, column);
  const found = new Set<string>();
  let numbers = 0;
  let texts = 0;
  let firstText = 0;
  for (let row = 0; row < table.rows; row++) {
    const position = row * names.length + column;
    const text = cells.text(position);
    if (text !== undefined && texts++ === 0) firstText = row;
    if (!Number.isNaN(item(cells.numbers, position))) numbers++;
    else if (text !== undefined) found.add(text);
  }
  if (numbers + texts === 0) {
    throw new UserError(
      `source: column '${excerpt(name)}' has no value in any row: leave it out (columns.ignore)`,
    );
  }
  if (texts === 0) return undefined;
  requireUtf8(found, `column '${excerpt(name)}'`);
  if ([...found].every(isCommaNumber)) {
    const [text = ""] = found;
    throw new UserError(
      `source: ${table.place(firstText)}: column '${excerpt(name)}': expected a number, got '${excerpt(text)}': ${commaRemedy}, or list the column's values (source.categories)`,
    );
  }
  if (numbers > 0) {
    const text = cells.text(firstText * names.length + column) ?? "";
    throw new UserError(
      `source: ${table.place(firstText)}: column '${excerpt(name)}': expected a number as in ${numbers} other rows, got '${excerpt(text)}': correct the cell, leave it empty, or list the column's values (source.categories)`,
    );
  }
  if (found.size > mostValues) {
    throw new UserError(
      `source: column '${excerpt(name)}' has ${found.size} different texts, and categories have at most ${mostValues}: leave it out (columns.ignore), or list its values (source.categories)`,
    );
  }
  return sortNames(found);
}

function createUnknown(
  table: Table,
  row: number,
  name: string,
  text: string,
  known: readonly string[],
): UserError {
  return new UserError(
    `source: ${table.place(row)}: column '${excerpt(name)}': expected one of ${excerpt(known.join(", "))}, got '${excerpt(text)}': correct it, leave it empty, or add it to source.categories`,
  );
}
