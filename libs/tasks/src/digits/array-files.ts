import { join } from "node:path";
import { sizeOf, UserError } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { withArray } from "../data/array-file.js";
import type { DigitFiles, FolderDigits } from "./folder-files.js";
import { classes, formatPosition, pixels } from "./images.js";

/** A pair of files whose labels have been read. */
interface LabelledPair {
  /** Path of the image file. */
  readonly images: string;
  readonly labels: Uint8Array;
}

/**
 * Reads digits from pairs of files, as MNIST is published (`train-images-idx3-ubyte`,
 * `train-labels-idx1-ubyte`, also gzipped) or as NumPy writes them (`images.npy`, `labels.npy`).
 * Images are 28×28 or 784, as bytes or as numbers in 0 … 1, which become bytes. Labels are 0 … 9.
 */
export async function readPairs(folders: readonly DigitFiles[]): Promise<FolderDigits> {
  const pairsByFolder: LabelledPair[][] = [];
  for (const { folder, pairs } of folders) {
    const folderPairs: LabelledPair[] = [];
    for (const { images, labels } of pairs) {
      folderPairs.push(await readLabels(join(folder, images), join(folder, labels)));
    }
    pairsByFolder.push(folderPairs);
  }
  const counts = pairsByFolder.map((pairs) => sum(pairs.map(({ labels }) => labels.length)));
  // One array for all images from the start: concatenating would take the same memory again.
  const images = new Uint8Array(sum(counts) * pixels);
  const labels = new Int32Array(sum(counts));
  let start = 0;
  for (const pair of pairsByFolder.flat()) {
    const end = start + pair.labels.length;
    labels.set(pair.labels, start);
    const place = images.subarray(start * pixels, end * pixels);
    await withArray(pair.images, ({ read }) => read(place, createGreyConverter(pair.images)));
    start = end;
  }
  return { images, labels, counts };
}

/** Reads the labels of a pair, and checks the shape of the images without reading them. */
async function readLabels(images: string, labels: string): Promise<LabelledPair> {
  const [count = 0, ...size] = await withArray(images, ({ shape }) => Promise.resolve(shape));
  if (sizeOf(size) !== pixels) {
    throw new UserError(`source: ${images}: expected images of 28×28, got ${size.join("×")}`);
  }
  return await withArray(labels, async ({ shape, read }) => {
    if (shape.length !== 1 || shape[0] !== count) {
      throw new UserError(`source: ${labels}: expected ${count} labels, got ${shape.join("×")}`);
    }
    const bytes = new Uint8Array(count);
    const toLabels = createLabelConverter(labels);
    await read(bytes, toLabels);
    // Labels that were stored as bytes have not been checked yet.
    toLabels(bytes, bytes, 0);
    return { images, labels: bytes };
  });
}

function createLabelConverter(path: string) {
  return (numbers: ArrayLike<number>, into: Uint8Array, start: number): void => {
    for (let i = 0; i < numbers.length; i++) {
      const label = numbers[i] ?? NaN;
      if (!Number.isInteger(label) || label < 0 || label >= classes) {
        throw new UserError(`source: ${path}: label ${start + i}: expected 0 … 9, got ${label}`);
      }
      into[i] = label;
    }
  };
}

function createGreyConverter(path: string) {
  return (numbers: ArrayLike<number>, into: Uint8Array, start: number): void => {
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] ?? NaN;
      if (!(value >= 0 && value <= 1)) {
        throw new UserError(
          `source: ${path}: ${formatPosition(start + i)}: expected bytes, or numbers in 0 … 1, got ${value}`,
        );
      }
      into[i] = Math.round(255 * value);
    }
  };
}
