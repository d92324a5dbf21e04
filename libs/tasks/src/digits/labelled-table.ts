import { UserError } from "@fedclair/core";
import type { TableSource } from "../data/own-data.js";
import { numbers, readTable, sortNames, texts } from "../data/table.js";
import { largestLabel, type Collection } from "./images.js";
import type { Options } from "./options.js";

type Columns = Exclude<Options["source"], "mnist">["columns"];

/**
 * Reads a table with one image per row. If some numbers are above 1, all are divided by the
 * largest.
 * Classes are numbered in the order of their names: numbers by size, other names by their letters.
 * @throws UserError with file and row if the data are not as expected
 */
export async function readLabelledTable(
  source: TableSource,
  { label, pixels, client }: Columns,
): Promise<Collection> {
  const wanted = { label: texts(label), pixels: numbers(pixels) };
  const { table, clients } = await readTable(source, wanted, client);
  const names = sortNames(new Set(table.texts("label")));
  if (names.length < 2 || names.length > largestLabel + 1) {
    throw new UserError(
      `source: column '${label}': expected 2 to ${largestLabel + 1} classes, got ${names.length}: name the column with the classes as columns.label`,
    );
  }
  const classOf = new Map(names.map((name, k) => [name, k]));
  const values = table.numbers("pixels");
  const width = table.names("pixels").length;
  let largest = 1;
  values.forEach((value, i) => {
    if (value < 0) {
      throw new UserError(
        `source: ${table.place(Math.floor(i / width))}: column '${table.names("pixels")[i % width] ?? ""}': expected a number from 0, got ${value}`,
      );
    }
    largest = Math.max(largest, value);
  });
  return {
    images: Float32Array.from(values, (value) => value / largest),
    labels: Int32Array.from(table.texts("label"), (name) => classOf.get(name) ?? NaN),
    pixels: width,
    classes: names.length,
    ...(clients && { owners: clients.owners, writers: clients.names }),
  };
}
