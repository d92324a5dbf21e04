import { join } from "node:path";
import { sizeOf, UserError } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { withArray } from "../data/array-file.js";
import type { DigitFiles, FolderDigits } from "./folder-files.js";
import { classes, digitText, pixels } from "./images.js";

/** A pair of files whose labels are read. */
interface LabelledPair {
  /** A path. */
  readonly images: string;
  readonly labels: Uint8Array;
}

/**
 * Digits in pairs of files, as MNIST is published (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, also gzipped), or as NumPy
 * writes them (`images.npy`, `labels.npy`): images of 28×28 or 784, bytes or numbers in 0 … 1, which become bytes; labels 0 … 9.
 */
export async function readPairs(folders: readonly DigitFiles[]): Promise<FolderDigits> {
  const labelled: LabelledPair[][] = [];
  for (const { folder, pairs } of folders) {
    const ofFolder: LabelledPair[] = [];
    for (const { images, labels } of pairs) {
      ofFolder.push(await withLabels(join(folder, images), join(folder, labels)));
    }
    labelled.push(ofFolder);
  }
  const counts = labelled.map((pairs) => sum(pairs.map(({ labels }) => labels.length)));
  // All of them in one array from the beginning: a copy would take as much again.
  const images = new Uint8Array(sum(counts) * pixels);
  const labels = new Int32Array(sum(counts));
  let start = 0;
  for (const pair of labelled.flat()) {
    const end = start + pair.labels.length;
    labels.set(pair.labels, start);
    const place = images.subarray(start * pixels, end * pixels);
    await withArray(pair.images, ({ read }) => read(place, greysOf(pair.images)));
    start = end;
  }
  return { images, labels, counts };
}

/** Of the images the size alone is looked at. */
async function withLabels(images: string, labels: string): Promise<LabelledPair> {
  const [count = 0, ...size] = await withArray(images, ({ shape }) => Promise.resolve(shape));
  if (sizeOf(size) !== pixels) {
    throw new UserError(`source: ${images}: expected images of 28×28, got ${size.join("×")}`);
  }
  return await withArray(labels, async ({ shape, read }) => {
    if (shape.length !== 1 || shape[0] !== count) {
      throw new UserError(`source: ${labels}: expected ${count} labels, got ${shape.join("×")}`);
    }
    const bytes = new Uint8Array(count);
    const toLabels = labelsOf(labels);
    await read(bytes, toLabels);
    // Those that were bytes already have not been looked at.
    toLabels(bytes, bytes, 0);
    return { images, labels: bytes };
  });
}

function labelsOf(path: string) {
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

function greysOf(path: string) {
  return (numbers: ArrayLike<number>, into: Uint8Array, start: number): void => {
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] ?? NaN;
      if (!(value >= 0 && value <= 1)) {
        throw new UserError(
          `source: ${path}: ${digitText(start + i)}: expected bytes, or numbers in 0 … 1, got ${value}`,
        );
      }
      into[i] = Math.round(255 * value);
    }
  };
}
