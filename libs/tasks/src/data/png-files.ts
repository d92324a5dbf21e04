import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { decodePng, requireSameSize, type Image, type NamedImage } from "./png-image.js";
import { boundPng } from "./png-unpacked.js";
import { readSmallFile } from "./small-file.js";
import { requireFewColumns, type Row, type TableFile } from "./table-file.js";

/** Lists the PNG files in a folder by name. */
export async function listPngs(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.filter((name) => /^[^.].*\.png$/i.test(name)).sort();
}

/**
 * Reads the PNG images of a folder in the order of their names.
 * @throws UserError if one has another size than the first
 */
export async function* readPngs(
  folder: string,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Image> {
  let first: NamedImage | undefined;
  for (const file of names) {
    const name = join(folder, file);
    const image = { ...(await readPng(name, signal)), name };
    first ??= image;
    requireSameSize(image, first);
    yield image;
  }
}

async function readPng(path: string, signal: AbortSignal): Promise<Image> {
  return decodePng(boundPng(await readSmallFile(path, signal), path), path);
}

/**
 * Opens a folder of PNG images as a table with one row per image. The columns are the places within
 * an image, "0", "1", ….
 */
export async function openPngs(folder: string, signal: AbortSignal): Promise<TableFile> {
  const names = await listPngs(folder);
  const path = join(folder, names[0] ?? "");
  const first = await readPng(path, signal);
  requireFewColumns(path, first.bytes.length);
  const columns = Array.from(first.bytes, (_, i) => `${i}`);
  return {
    path: `${folder} (${basename(names[0] ?? "")} …)`,
    unit: "row",
    columns,
    read: (wanted) => readRows(readPngs(folder, names, signal), wanted.map(Number)),
  };
}

async function* readRows(
  images: AsyncIterable<Image>,
  places: readonly number[],
): AsyncGenerator<Row> {
  let number = 0;
  for await (const { bytes } of images) {
    yield { number: ++number, cells: places.map((place) => bytes[place]) };
  }
}
