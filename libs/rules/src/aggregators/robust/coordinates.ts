import { deltaShape, sizeOf, type Tensor } from "@fedclair/core";
import { at, quickselect, sum, type Matrix } from "@fedclair/linalg";
import { iterateBlocks, iterateMixedBlocks, type Changes } from "./blocks.js";
import { forSmallest } from "./smallest.js";

/** Reduces the clients' values of one coordinate to a number; it may reorder the values. */
export type CoordinateRule = (values: Float64Array) => number;

/**
 * Applies a rule to every coordinate of a module.
 * @param changes at least one
 * @param mixing K×L; the rule gets the L values Σ_k mixing[k, i]·x_k in place of the K values x_k
 * @returns a dense tensor of the module's shape, because coordinate-wise rules do not preserve low
 * rank
 */
export async function applyByCoordinate(
  changes: Changes,
  rule: CoordinateRule,
  mixing?: Matrix,
): Promise<Tensor> {
  const [first] = changes;
  const shape = first === undefined ? [] : deltaShape(first);
  const data = new Float64Array(sizeOf(shape));
  const column = new Float64Array(mixing?.cols ?? changes.length);
  const blocks =
    mixing === undefined ? iterateBlocks(changes) : iterateMixedBlocks(changes, mixing);
  for await (const { from, whole } of blocks) {
    const { rows, data: numbers } = whole;
    for (let i = 0; i < rows; i++) {
      for (let k = 0, index = i; k < column.length; k++, index += rows)
        column[k] = at(numbers, index);
      data[from + i] = rule(column);
    }
  }
  return { shape, data };
}

/**
 * The middle value, or the mean of the middle two. Reorders the values.
 * @param values at least one
 */
export function medianOf(values: Float64Array): number {
  const half = values.length >>> 1;
  const upper = quickselect(values, half);
  if (values.length % 2 === 1) return upper;
  let lower = -Infinity;
  for (let k = 0; k < half; k++) lower = Math.max(lower, at(values, k));
  return (lower + upper) / 2;
}

/**
 * Creates a rule that returns the mean without the `dropped` smallest and the `dropped` largest
 * values.
 * @param dropped below half of the values
 */
export function createTrimmedMean(dropped: number): CoordinateRule {
  return (values) => {
    const end = values.length - dropped;
    if (dropped > 0) {
      quickselect(values, dropped);
      quickselect(values, end - 1, dropped);
    }
    return sum(values.subarray(dropped, end)) / (end - dropped);
  };
}

/**
 * Creates a rule that returns the mean of the `count` values closest to the median; of equally
 * close values the first ones count.
 */
export function createMeanNearMedian(count: number): CoordinateRule {
  // Memory that is reused for every coordinate: allocating it again would cost more than the rule.
  let [gaps, room] = [new Float64Array(), new Float64Array()];
  return (values) => {
    if (gaps.length !== values.length) {
      [gaps, room] = [new Float64Array(values.length), new Float64Array(values.length)];
    }
    room.set(values);
    const middle = medianOf(room);
    for (let k = 0; k < gaps.length; k++) gaps[k] = Math.abs(at(values, k) - middle);
    let total = 0;
    forSmallest(gaps, count, (k) => (total += at(values, k)), room);
    return total / count;
  };
}
