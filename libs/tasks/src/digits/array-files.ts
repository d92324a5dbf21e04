import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { sizeOf, UserError } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { arrayFileName, readArrayFile } from "../data/array-file.js";
import { classes, inUnits, pixels, type Digits } from "./images.js";

/**
 * Digits in pairs of files, as MNIST is published (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, also gzipped), or as NumPy
 * writes them (`images.npy`, `labels.npy`): images of 28×28 or 784, bytes or numbers in 0 … 1; labels 0 … 9. Pairs are put
 * behind one another in the order of their names.
 * @returns undefined if the folder has none
 */
export async function readArrayFiles(folder: string): Promise<Digits | undefined> {
  const names = (await readdir(folder)).filter((name) => arrayFileName.test(name)).sort();
  const pairs: Digits[] = [];
  for (const name of names.filter((one) => one.includes("images"))) {
    const wanted = name.replace("images", "labels").replace("idx3", "idx1").replace(/\.gz$/, "");
    const other = names.find((one) => one.replace(/\.gz$/, "") === wanted);
    if (other === undefined) {
      throw new UserError(
        `source: ${join(folder, name)} has no labels beside it: expected ${wanted}`,
      );
    }
    pairs.push(await readPair(join(folder, name), join(folder, other)));
  }
  return pairs.length === 0 ? undefined : together(pairs);
}

/** Bytes, where all are. */
export function together(pairs: readonly Digits[]): Digits {
  const [first, ...rest] = pairs;
  if (first && rest.length === 0) return first;
  const isBytes = pairs.every(({ images }) => images instanceof Uint8Array);
  const all = new (isBytes ? Uint8Array : Float32Array)(
    sum(pairs.map(({ images }) => images.length)),
  );
  const labels = new Int32Array(sum(pairs.map(({ labels }) => labels.length)));
  let at = 0;
  for (const pair of pairs) {
    all.set(isBytes ? pair.images : inUnits(pair.images), at * pixels);
    labels.set(pair.labels, at);
    at += pair.labels.length;
  }
  return { images: all, labels };
}

async function readPair(imagesFile: string, labelsFile: string): Promise<Digits> {
  const images = await readArrayFile(imagesFile);
  const { shape, data } = await readArrayFile(labelsFile);
  const [count = 0, ...size] = images.shape;
  if (sizeOf(size) !== pixels) {
    throw new UserError(`source: ${imagesFile}: expected images of 28×28, got ${size.join("×")}`);
  }
  if (shape.length !== 1 || shape[0] !== count) {
    throw new UserError(`source: ${labelsFile}: expected ${count} labels, got ${shape.join("×")}`);
  }
  const odd = data.findIndex((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (odd >= 0) {
    throw new UserError(
      `source: ${labelsFile}: label ${odd}: expected 0 … 9, got ${data[odd] ?? NaN}`,
    );
  }
  const wrong =
    images.data instanceof Uint8Array ? -1 : images.data.findIndex((x) => !(x >= 0 && x <= 1));
  if (wrong >= 0) {
    throw new UserError(
      `source: ${imagesFile}: number ${wrong}: expected bytes, or numbers in 0 … 1, got ${images.data[wrong] ?? NaN}`,
    );
  }
  return { images: images.data, labels: Int32Array.from(data) };
}
