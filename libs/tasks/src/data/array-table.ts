import { sizeOf, UserError } from "@fedclair/core";
import { withArray } from "./array-file.js";
import { largestTable, requireFewColumns, type Row, type TableFile } from "./table-file.js";

/**
 * Opens an array of NumPy or IDX as a table with one row per entry of its first axis. The columns
 * are the places within a row, "0", "1", ….
 */
export async function openArray(path: string): Promise<TableFile> {
  const [, ...row] = await withArray(path, ({ shape }) => Promise.resolve(shape));
  const width = sizeOf(row);
  requireFewColumns(path, width);
  const columns = Array.from({ length: width }, (_, i) => `${i}`);
  return { path, unit: "row", columns, read: (names) => readRows(path, width, names.map(Number)) };
}

async function* readRows(
  path: string,
  width: number,
  places: readonly number[],
): AsyncGenerator<Row> {
  const numbers = await withArray(path, async ({ shape, read }) => {
    const size = sizeOf(shape);
    if (size > largestTable) {
      throw new UserError(`source: ${path}: expected at most ${largestTable} numbers, got ${size}`);
    }
    const all = new Float64Array(size);
    await read(all);
    return all;
  });
  for (let start = 0, number = 1; start < numbers.length; start += width, number++) {
    yield { number, cells: places.map((place) => numbers[start + place]) };
  }
}
