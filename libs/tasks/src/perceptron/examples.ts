import type { Shard } from "@fedclair/core";
import { atInt } from "@fedclair/linalg";
import { countHeldBack, countTrained } from "../held-back.js";

/** A selection of examples. Their numbers are not copied. */
export interface Examples {
  /** The inputs of all rows: numbers, or bytes that stand for 0 … 1. */
  readonly inputs: Float32Array | Uint8Array;
  /** Inputs per example. */
  readonly width: number;
  /** Rows of the selected examples. */
  readonly places: Int32Array;
  /** Classes of the selected examples, in the same order; empty if there are none. */
  readonly labels: Int32Array;
  /** Numbers to predict instead of classes: those of the selected examples, row by row. */
  readonly outputs?: Float32Array;
}

/** Returns the inputs of one selected example. */
export function inputAt({ inputs, places, width }: Examples, index: number): Examples["inputs"] {
  const place = atInt(places, index);
  return inputs.subarray(place * width, (place + 1) * width);
}

/** Returns the selected examples from `start` to `end`. */
export function sliceExamples(
  { places, labels, outputs, ...rest }: Examples,
  start: number,
  end: number,
): Examples {
  const width = outputs ? outputs.length / places.length : 0;
  return {
    ...rest,
    places: places.subarray(start, end),
    labels: labels.subarray(start, end),
    ...(outputs && { outputs: outputs.subarray(start * width, end * width) }),
  };
}

/**
 * Splits a client's examples into those for training, those held back from it, and held-out ones.
 * @param held in random order
 */
export function splitExamples(held: Examples, classes: number, shard: Shard) {
  const count = held.places.length;
  const border = countTrained(count);
  const trained = border - countHeldBack(border, shard.holdBack);
  const known = sliceExamples(held, 0, border);
  const all = { ...known, labels: shard.corruptLabels?.(known.labels, classes) ?? known.labels };
  return {
    training: sliceExamples(all, 0, trained),
    heldBack: sliceExamples(all, trained, border),
    heldOut: sliceExamples(held, border, count),
  };
}
