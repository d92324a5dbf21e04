import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import { convertIndexedToRgb, decode } from "fast-png";
import type { Row, TableFile } from "./table-file.js";

/** An image as bytes, row by row; the channels of a pixel are neighbours. */
export interface Image {
  /** Rows, columns and channels: 1 for grey, 3 for colour. Transparency is dropped. */
  readonly shape: readonly [number, number, number];
  readonly bytes: Uint8Array;
}

/** The most pixels of an image. A larger one would not fit a model of this project. */
const mostPixels = 1 << 22;

/** Lists the PNG files in a folder by name. */
export async function listPngs(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.filter((name) => /^[^.].*\.png$/i.test(name)).sort();
}

/**
 * Reads a PNG image of 8 or 16 bits per sample, or with a palette.
 * @throws UserError with its path
 */
export async function readPng(path: string): Promise<Image> {
  const file = await readFile(path);
  // The size is at a fixed place, so that a huge image is rejected before it is unpacked.
  const pixels = file.length < 24 ? 0 : file.readUInt32BE(16) * file.readUInt32BE(20);
  if (pixels > mostPixels) {
    throw new UserError(
      `source: ${path}: expected at most ${mostPixels} pixels, got ${pixels}: make the image smaller`,
    );
  }
  try {
    return toImage(decode(file));
  } catch (error) {
    throw new UserError(`source: ${path}: cannot be read as PNG: ${errorMessage(error)}`);
  }
}

function toImage(png: ReturnType<typeof decode>): Image {
  const { width, height, depth, palette } = png;
  const data = palette ? convertIndexedToRgb(png) : png.data;
  const channels = data.length / (width * height);
  if (!palette && depth < 8)
    throw new Error(`expected 8 bits per sample, got ${depth}: convert it`);
  // An even number of channels includes transparency.
  const kept = channels > 2 ? 3 : 1;
  const shift = depth === 16 ? 8 : 0;
  const bytes = new Uint8Array(width * height * kept);
  for (let i = 0; i < bytes.length; i++) {
    const sample = data[Math.floor(i / kept) * channels + (i % kept)] ?? 0;
    bytes[i] = sample >> shift;
  }
  return { shape: [height, width, kept], bytes };
}

/**
 * Reads the PNG images of a folder in the order of their names.
 * @throws UserError if one has another size than the first
 */
export async function* readPngs(
  folder: string,
  names: readonly string[],
): AsyncGenerator<Image & { readonly name: string }> {
  let first: (Image & { readonly name: string }) | undefined;
  for (const name of names) {
    const image = { ...(await readPng(join(folder, name))), name };
    first ??= image;
    if (String(image.shape) !== String(first.shape)) {
      throw new UserError(
        `source: ${join(folder, name)} has ${image.shape.join("×")} numbers, ${first.name} ${first.shape.join("×")}: expected images of one size and kind`,
      );
    }
    yield image;
  }
}

/**
 * Opens a folder of PNG images as a table with one row per image. The columns are the places within
 * an image, "0", "1", ….
 */
export async function openPngs(folder: string): Promise<TableFile> {
  const names = await listPngs(folder);
  const first = await readPng(join(folder, names[0] ?? ""));
  const columns = Array.from(first.bytes, (_, i) => `${i}`);
  return {
    path: `${folder} (${basename(names[0] ?? "")} …)`,
    unit: "row",
    columns,
    read: (wanted) => readRows(folder, names, wanted.map(Number)),
  };
}

async function* readRows(
  folder: string,
  names: readonly string[],
  places: readonly number[],
): AsyncGenerator<Row> {
  let number = 0;
  for await (const { bytes } of readPngs(folder, names)) {
    yield { number: ++number, cells: places.map((place) => bytes[place]) };
  }
}
