import { UserError } from "@fedclair/core";
import type { TableSource } from "../data/own-data.js";
import type { TableFile } from "../data/table-file.js";
import { numbers, readTable, texts } from "../data/table.js";
import { numberClasses, sortClasses } from "./class-names.js";
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
    labels,
    pixels: width,
    classes: names.length,
    ...(clients && { owners: clients.owners, writers: clients.names }),
  };
}
