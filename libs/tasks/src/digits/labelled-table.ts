import { UserError } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import type { TableSource } from "../data/own-data.js";
import type { TableFile } from "../data/table-file.js";
import { numbers, readTable, texts } from "../data/table.js";
import { numberClasses, sortClasses } from "../data/class-names.js";
import type { Collection } from "./images.js";
import type { DigitsOptions } from "./options.js";

type Columns = Exclude<DigitsOptions["source"], "mnist">["columns"];

/**
 * Reads a table with one image per row. If some numbers are above 1, all are divided by the
 * largest.
 * @param classes the classes that the trial names; default: those of the table, sorted
 * @throws UserError with file and row if the data are not as expected
 */
export async function readLabelledTable(
  source: TableSource | TableFile,
  { label, pixels, client }: Columns,
  classes: readonly string[] | undefined,
): Promise<Collection> {
  const wanted = { label: texts(label), pixels: numbers(pixels) };
  const { table, clients } = await readTable(source, wanted, client);
  const found = table.texts("label");
  const names =
    classes ?? sortClasses(new Set(found), `column '${label}' (columns.label)`, "classes");
  const numberOf = numberClasses(names);
  const labels = Int32Array.from(found, (name, row) =>
    numberOf(name, () => `${table.place(row)}: column '${label}'`),
  );
  const values = table.numbers("pixels");
  const width = table.names("pixels").length;
  const tallest = new Float64Array(width);
  values.forEach((value, i) => {
    if (value < 0) {
      throw new UserError(
        `source: ${table.place(Math.floor(i / width))}: column '${table.names("pixels")[i % width] ?? ""}': expected a number from 0, as pixels are, got ${value}: for columns of other kinds use the task table`,
      );
    }
    tallest[i % width] = Math.max(tallest[i % width] ?? 0, value);
  });
  const largest = tallest.reduce((a, b) => Math.max(a, b), 1);
  return {
    images: Float32Array.from(values, (value) => value / largest),
    labels,
    pixels: width,
    classes: names.length,
    unevenColumns: findUneven(tallest, table.names("pixels")),
    ...(clients && { owners: clients.owners, writers: clients.names }),
  };
}

/** Columns whose largest numbers differ by this factor are hardly pixels. */
const widestSpread = 1000;

/** Describes two columns whose scales are far apart; undefined if there are none. */
function findUneven(tallest: Float64Array, names: readonly string[]): string | undefined {
  const order = [...tallest.keys()]
    .filter((j) => item(tallest, j) > 0)
    .sort((a, b) => item(tallest, a) - item(tallest, b));
  const [low, high] = [order[0], order.at(-1)];
  if (low === undefined || high === undefined) return undefined;
  const [small, large] = [item(tallest, low), item(tallest, high)];
  if (large < widestSpread * small) return undefined;
  return `source: numbers go up to ${large} in column '${names[high] ?? ""}' and to ${small} in column '${names[low] ?? ""}', and all are divided by the largest one, as for pixels: if these are no images, use the task table, which standardises each column`;
}
