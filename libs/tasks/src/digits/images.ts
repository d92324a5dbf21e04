import { atInt } from "@fedclair/linalg";

export const classes = 10;
/** 28×28 */
export const pixels = 784;

/** Images of digits with what they show. */
export interface Images {
  /** n×pixels, in 0 … 1; 0 is background. */
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** Many of them, as their files have them: bytes stay bytes until a client trains. */
export interface Held {
  /** n×pixels, numbers in 0 … 1, or bytes. */
  readonly images: Float32Array | Uint8Array;
  readonly labels: Int32Array;
}

export function digitsAt({ images, labels }: Held, indices: ArrayLike<number>): Images {
  const chosen = new Float32Array(indices.length * pixels);
  const chosenLabels = Int32Array.from(indices, (i, index) => {
    chosen.set(inUnits(images.subarray(i * pixels, (i + 1) * pixels)), index * pixels);
    return atInt(labels, i);
  });
  return { images: chosen, labels: chosenLabels };
}

/** Bytes as numbers in 0 … 1. */
export function inUnits(images: Uint8Array | Float32Array): Float32Array {
  if (images instanceof Float32Array) return images;
  const units = new Float32Array(images.length);
  // By index: twenty times as fast as Float32Array.from.
  for (let i = 0; i < images.length; i++) units[i] = (images[i] ?? NaN) / 255;
  return units;
}
