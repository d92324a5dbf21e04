import { UserError } from "@fedclair/core";
import {
  formatCount,
  nameOf,
  noteOthers,
  pickFiles,
  readContent,
  type ChosenData,
  type ChosenFile,
  type ReadData,
} from "../data/chosen-files.js";
import type { NamedImage } from "../data/png-image.js";
import { largestTable } from "../data/table-file.js";
import { numberClasses } from "../data/class-names.js";
import type { Collection } from "./images.js";
import { readLabelledTable } from "./labelled-table.js";
import type { DigitsOptions } from "./options.js";

/** Images that the user of a browser tab has chosen. */
interface ChosenImages {
  readonly data: Collection;
  readonly read: ReadData;
}

/**
 * Reads a table with one image per row, or PNG images whose classes are the folders that they are
 * in. Both are what Node.js reads of them.
 * @param columns what the columns of a table mean
 * @param classes the classes that the trial names
 * @throws UserError with the file, and the line of a table, if the images are not as expected
 */
export async function readChosenImages(
  { files }: Pick<ChosenData, "files">,
  columns: Exclude<DigitsOptions["source"], "mnist">["columns"],
  classes: readonly string[],
): Promise<ChosenImages> {
  const picked = pickFiles(files, ["table", "image"]);
  const { data, size } =
    picked.kind === "table"
      ? await readTableOf(picked.files, columns, classes)
      : await readPngs(picked.files, classes);
  const counts = new Int32Array(classes.length);
  for (const label of data.labels) counts[label] = (counts[label] ?? 0) + 1;
  return {
    data,
    read: {
      name: nameOf(picked.files),
      facts: [
        ["images", formatCount(data.labels.length)],
        ["size", size],
      ],
      classes: classes.map((name, k) => ({ name, count: counts[k] ?? 0 })),
      notes: noteOthers(picked),
    },
  };
}

interface SizedImages {
  readonly data: Collection;
  /** The size of an image in words. */
  readonly size: string;
}

async function readTableOf(
  [file]: readonly ChosenFile[],
  columns: Exclude<DigitsOptions["source"], "mnist">["columns"],
  classes: readonly string[],
): Promise<SizedImages> {
  // Loaded here, because few tabs read a table.
  const { readChosenTable } = await import("../data/csv-text.js");
  if (!file) throw new Error("no table was picked");
  const data = await readLabelledTable(await readChosenTable(file), columns, classes);
  return { data, size: `${formatCount(data.pixels)} numbers` };
}

async function readPngs(
  files: readonly ChosenFile[],
  classes: readonly string[],
): Promise<SizedImages> {
  const ordered = orderByClass(files, classes);
  // Loaded here, because few tabs read images.
  const { decodePng, requireSameSize } = await import("../data/png-image.js");
  let first: NamedImage | undefined;
  let images = new Uint8Array(0);
  for (const [i, { file }] of ordered.entries()) {
    const content = new Uint8Array(await readContent(file, file.content.arrayBuffer()));
    const image = { ...decodePng(content, file.path), name: file.path };
    const { length } = image.bytes;
    if (!first) {
      first = image;
      if (length * ordered.length > largestTable) {
        throw new UserError(
          `source: expected at most ${largestTable} numbers, got ${ordered.length} images of ${length}: leave some out, or make them smaller`,
        );
      }
      images = new Uint8Array(length * ordered.length);
    }
    requireSameSize(image, first);
    images.set(image.bytes, i * length);
  }
  const [rows = 0, columns = 0, channels = 0] = first?.shape ?? [];
  return {
    data: {
      images,
      labels: Int32Array.from(ordered, ({ label }) => label),
      pixels: rows * columns * channels,
      classes: classes.length,
    },
    size: `${columns}×${rows} pixels, ${channels === 1 ? "grey" : "in colour"}`,
  };
}

/** Sorts files like `readClassFolders`: class by class, each in the order of file names. */
function orderByClass(files: readonly ChosenFile[], classes: readonly string[]) {
  const numberOf = numberClasses(classes);
  const labelled = files.map((file) => {
    const parts = file.path.split("/");
    const [folder, name = ""] = [parts.at(-2), parts.at(-1)];
    if (folder === undefined) {
      throw new UserError(
        `source: ${file.path}: expected images in folders that are named like their classes, got one without a folder: choose the folder above them, or drop it on the page`,
      );
    }
    return { file, name, label: numberOf(folder, () => `the folder of ${file.path}`) };
  });
  const compare = (a: string, b: string) => Number(a > b) - Number(a < b);
  return labelled.sort(
    (a, b) => a.label - b.label || compare(a.name, b.name) || compare(a.file.path, b.file.path),
  );
}
