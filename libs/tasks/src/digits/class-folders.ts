import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { listVisible } from "../data/list-visible.js";
import { listPngs, readPngs } from "../data/png-files.js";
import { startReading } from "../data/reading-time.js";
import { numberClasses, sortClasses } from "../data/class-names.js";
import { requireFewNumbers, type Digits } from "./images.js";

/**
 * Reads PNG images from one subfolder per class, class by class, each in the order of file names.
 * @param classes the classes that the trial names; default: the subfolders, sorted
 * @throws UserError if a subfolder is no class or has no image, or if images have several sizes
 */
export async function readClassFolders(
  folder: string,
  classes: readonly string[] | undefined,
): Promise<Digits> {
  const folders = listVisible(folder).filter((one) => one.isDirectory());
  const found = new Set(folders.map(({ name }) => name));
  const all = classes ?? sortClasses(found, folder, "subfolders of .png files, one per class");
  const numberOf = numberClasses(all);
  for (const name of found) numberOf(name, () => `the subfolders of ${folder}`);
  const names = all.filter((name) => found.has(name));
  const files = await Promise.all(names.map((name) => listPngs(join(folder, name))));
  const empty = files.findIndex((list) => list.length === 0);
  if (empty >= 0) {
    throw new UserError(
      `source: ${join(folder, item(names, empty))}: expected .png files of this class, got none`,
    );
  }
  const paths = names.flatMap((name, k) => item(files, k).map((file) => join(name, file)));
  const labels = Int32Array.from(
    files.flatMap((list, k) => list.map(() => all.indexOf(item(names, k)))),
  );
  let images: Uint8Array | undefined;
  let pixels = 0;
  let start = 0;
  for await (const { bytes } of readPngs(folder, paths, startReading())) {
    pixels = bytes.length;
    images ??= new Uint8Array(requireFewNumbers(folder, paths.length * pixels));
    images.set(bytes, start);
    start += pixels;
  }
  return { images: images ?? new Uint8Array(0), labels, pixels, classes: all.length };
}
