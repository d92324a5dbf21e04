import { deltaShape, isLowRank, readNumbers, sizeOf, type TensorDelta } from "@fedclair/core";
import { item, type Matrix, type Stream } from "@fedclair/linalg";
import { vectorToTensor, type Changes } from "../robust/blocks.js";
import { gramOf } from "../robust/gram.js";
import { sampleIndices } from "./outliers.js";

/**
 * Computes the Gram matrix of the changes at `count` coordinates sampled from all modules, or at
 * all coordinates if there are no more than that.
 */
export function computeSampleGram(
  modules: readonly Changes[],
  count: number,
  rng: Stream,
): Promise<Matrix> {
  const sizes = modules.map(([first]) => (first === undefined ? 0 : sizeOf(deltaShape(first))));
  const length = sizes.reduce((total, size) => total + size, 0);
  if (count >= length) return gramOf(modules);
  const drawn = sampleIndices(rng, length, count);
  let start = 0;
  const sampled = modules.map((changes, m) => {
    const end = start + (sizes[m] ?? 0);
    const inside = drawn.filter((i) => i >= start && i < end).map((i) => i - start);
    start = end;
    return changes.map((change) =>
      vectorToTensor(Float64Array.from(inside, (i) => readEntry(change, i))),
    );
  });
  return gramOf(sampled);
}

/** Entry i of the flattened change. */
function readEntry(change: TensorDelta, i: number): number {
  if (!isLowRank(change)) return item(readNumbers(change), i);
  const { b, a } = change;
  const [rank = 0, cols = 0] = a.shape;
  const row = Math.floor(i / cols);
  let entry = 0;
  for (let l = 0; l < rank; l++) {
    entry += item(readNumbers(b), row * rank + l) * item(readNumbers(a), l * cols + (i % cols));
  }
  return entry;
}
