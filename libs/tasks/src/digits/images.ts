import { UserError } from "@fedclair/core";
import { atInt } from "@fedclair/linalg";
import type { Examples } from "../perceptron/examples.js";

/** Classes of MNIST. */
export const classes = 10;
/** Digits of MNIST that are used. */
export const mnistCount = 10_000;
/** Pixels of an image of MNIST: 28×28. */
export const pixels = 784;

/** Images with their labels. Bytes of a file stay bytes until a step reads them. */
export interface Digits {
  /** n×pixels, numbers in 0 … 1, or bytes; 0 is background. */
  readonly images: Float32Array | Uint8Array;
  /** Labels 0 … classes - 1. */
  readonly labels: Int32Array;
  /** Numbers per image: rows × columns × channels. */
  readonly pixels: number;
  /** Number of classes, at least 2. */
  readonly classes: number;
}

/** A collection of digits, with their writers if these are known. */
export interface Collection extends Digits {
  /** The writer of each digit, as an index into `writers`. */
  readonly owners?: Int32Array;
  readonly writers?: readonly string[];
  /** A notice about columns of a table that are hardly pixels. */
  readonly unevenColumns?: string | undefined;
}

/** Selects digits. */
export function choose({ images, labels, pixels }: Digits, places: ArrayLike<number>): Examples {
  return {
    inputs: images,
    width: pixels,
    places: Int32Array.from(places),
    labels: Int32Array.from(places, (i) => atInt(labels, i)),
  };
}

/** Formats the position of a number within the images, for error messages. */
export function formatPosition(place: number, pixels: number): string {
  return `digit ${Math.floor(place / pixels)}, pixel ${place % pixels}`;
}

/** Converts bytes to numbers in 0 … 1. */
export function inUnits(images: Uint8Array | Float32Array): Float32Array {
  if (images instanceof Float32Array) return images;
  const units = new Float32Array(images.length);
  // A loop is twenty times as fast as Float32Array.from.
  for (let i = 0; i < images.length; i++) units[i] = (images[i] ?? NaN) / 255;
  return units;
}

/** Returns the classes that the trial names; those of MNIST are 0 to 9. */
export function namedClasses(
  source: "mnist" | { readonly classes?: readonly (string | number)[] | undefined },
): readonly string[] | undefined {
  return source === "mnist"
    ? Array.from({ length: classes }, (_, i) => `${i}`)
    : source.classes?.map(String);
}

/** The most numbers of all images: two gigabytes. */
const largestImages = 2 ** 31;

/** @throws UserError if the images would not fit into memory */
export function requireFewNumbers(folder: string, count: number): number {
  if (count <= largestImages) return count;
  throw new UserError(
    `source: ${folder}: expected images of at most ${largestImages} numbers in all, got ${count}: make them smaller, or leave some out`,
  );
}
