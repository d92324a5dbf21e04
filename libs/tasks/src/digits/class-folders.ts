import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { item, sum } from "@fedclair/linalg";
import { listPngs, readPngs } from "../data/png-files.js";
import { sortNames } from "../data/table.js";
import { largestLabel, type Digits } from "./images.js";

/**
 * Reads PNG images from one subfolder per class. Classes are numbered in the order of their names:
 * numbers by size, other names by their letters.
 * @throws UserError if there are fewer than two classes, or images of several sizes
 */
export async function readClassFolders(folder: string): Promise<Digits> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((one) => one.isDirectory() && !one.name.startsWith("."));
  const names = sortNames(new Set(folders.map(({ name }) => name)));
  const files = await Promise.all(names.map((name) => listPngs(join(folder, name))));
  const empty = files.findIndex((list) => list.length === 0);
  if (names.length < 2 || names.length > largestLabel + 1 || empty >= 0) {
    throw new UserError(
      `source: ${folder}: expected 2 to ${largestLabel + 1} subfolders of .png files, one per class, got ${names.length}${empty >= 0 ? `, and none in ${item(names, empty)}` : ""}`,
    );
  }
  const paths = names.flatMap((name, k) => item(files, k).map((file) => join(name, file)));
  const labels = Int32Array.from(files.flatMap((list, k) => list.map(() => k)));
  let images: Uint8Array | undefined;
  let pixels = 0;
  let start = 0;
  for await (const { bytes } of readPngs(folder, paths)) {
    pixels = bytes.length;
    images ??= new Uint8Array(sum(files.map((list) => list.length)) * pixels);
    images.set(bytes, start);
    start += pixels;
  }
  return { images: images ?? new Uint8Array(0), labels, pixels, classes: names.length };
}
