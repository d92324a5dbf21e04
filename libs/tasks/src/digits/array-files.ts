import { join } from "node:path";
import { sizeOf, UserError } from "@fedclair/core";
import { item, sum } from "@fedclair/linalg";
import { withArray, type ArrayNumbers } from "../data/array-file.js";
import type { DigitFiles, FolderDigits } from "./folder-files.js";
import { largestLabel, numberClasses } from "../data/class-names.js";
import { formatPosition, requireFewNumbers } from "./images.js";

/** A pair of files whose labels have been read. */
interface LabelledPair {
  /** Path of the image file. */
  readonly images: string;
  readonly pixels: number;
  readonly labels: Int32Array;
}

/**
 * Reads images from pairs of files, as MNIST is published (`train-images-idx3-ubyte`,
 * `train-labels-idx1-ubyte`, also gzipped) or as NumPy writes them (`images.npy`, `labels.npy`).
 * Images have any size, as bytes or as numbers from 0, which become bytes. If some of these numbers
 * are above 1, all are divided by the largest. Labels are 0 … 999.
 * @param names the classes that the trial names; default: labels are classes
 */
export async function readPairs(
  folders: readonly DigitFiles[],
  names: readonly string[] | undefined,
): Promise<FolderDigits> {
  const pairsByFolder: LabelledPair[][] = [];
  for (const { folder, pairs } of folders) {
    const folderPairs: LabelledPair[] = [];
    for (const { images, labels } of pairs) {
      folderPairs.push(await readLabels(join(folder, images), join(folder, labels), names));
    }
    pairsByFolder.push(folderPairs);
  }
  const pairs = pairsByFolder.flat();
  const { pixels } = item(pairs, 0);
  for (const pair of pairs) requireSize(pair, item(pairs, 0));
  const counts = pairsByFolder.map((pairs) => sum(pairs.map(({ labels }) => labels.length)));
  // One array for all images from the start: concatenating would take the same memory again.
  const images = new Uint8Array(requireFewNumbers(item(folders, 0).folder, sum(counts) * pixels));
  const labels = new Int32Array(sum(counts));
  const places: { readonly pair: LabelledPair; readonly place: Uint8Array }[] = [];
  let start = 0;
  for (const pair of pairs) {
    const end = start + pair.labels.length;
    labels.set(pair.labels, start);
    places.push({ pair, place: images.subarray(start * pixels, end * pixels) });
    start = end;
  }
  let largest = 1;
  const readAll = async (scale: number) => {
    for (const { pair, place } of places) {
      const convert = createGreyConverter(pair, scale, (number) => {
        largest = Math.max(largest, number);
      });
      await withArray(pair.images, ({ read }) => read(place, convert));
    }
  };
  await readAll(1);
  // The largest number is known only at the end, and numbers beyond 1 need another pass.
  if (largest > 1) await readAll(largest);
  const classes = names?.length ?? Math.max(1, ...new Set(labels)) + 1;
  return { images, labels, pixels, classes, counts };
}

function requireSize(pair: LabelledPair, first: LabelledPair): void {
  if (pair.pixels === first.pixels) return;
  throw new UserError(
    `source: ${pair.images} has images of ${pair.pixels} numbers, ${first.images} of ${first.pixels}: expected images of one size`,
  );
}

/** Reads the labels of a pair, and checks the shape of the images without reading them. */
async function readLabels(
  images: string,
  labels: string,
  names: readonly string[] | undefined,
): Promise<LabelledPair> {
  const [count = 0, ...size] = await withArray(images, ({ shape }) => Promise.resolve(shape));
  const pixels = sizeOf(size);
  if (size.length === 0 || pixels === 0) {
    throw new UserError(
      `source: ${images}: expected images as count×rows×columns, got ${[count, ...size].join("×")}`,
    );
  }
  return await withArray(labels, async ({ shape, read }) => {
    if (shape.length !== 1 || shape[0] !== count) {
      throw new UserError(`source: ${labels}: expected ${count} labels, got ${shape.join("×")}`);
    }
    const numbers = new Float64Array(count);
    await read(numbers);
    numbers.forEach((label, i) => {
      if (Number.isInteger(label) && label >= 0 && label <= largestLabel) return;
      throw new UserError(
        `source: ${labels}: label ${i}: expected 0 … ${largestLabel}, got ${label}`,
      );
    });
    if (!names) return { images, pixels, labels: Int32Array.from(numbers) };
    const numberOf = numberClasses(names);
    const numberLabel = (label: number, i: number) =>
      numberOf(String(label), () => `${labels}: label ${i}`);
    return { images, pixels, labels: Int32Array.from(numbers, numberLabel) };
  });
}

/** @param note receives the largest number of each piece */
function createGreyConverter(
  { images, pixels }: LabelledPair,
  scale: number,
  note: (largest: number) => void,
) {
  return (numbers: ArrayNumbers, into: Uint8Array, start: number): void => {
    let largest = 0;
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] ?? NaN;
      if (!(value >= 0 && value < Infinity)) {
        throw new UserError(
          `source: ${images}: ${formatPosition(start + i, pixels)}: expected bytes, or numbers from 0, got ${value}`,
        );
      }
      largest = Math.max(largest, value);
      into[i] = Math.round((255 * value) / scale);
    }
    note(largest);
  };
}
