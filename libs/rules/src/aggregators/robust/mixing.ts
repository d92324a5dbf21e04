import { Matrix } from "@fedclair/linalg";
import { forSmallest } from "./select.js";

/**
 * Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv 2302.01772): Y_i is the mean of the
 * K - f points nearest to V_i, including V_i itself; of equally near points the first ones count.
 * @param squared distances, K×K
 * @returns K×K; column i holds the weights of the points in Y_i
 */
export function nearestNeighbourMixing(squared: Matrix, f: number): Matrix {
  const count = squared.rows;
  const out = new Matrix(count, count);
  for (let i = 0; i < count; i++) {
    forSmallest(squared.column(i), count - f, (k) => {
      out.data[k + i * count] = 1 / (count - f);
    });
  }
  return out;
}

/**
 * Bucketing (Karimireddy et al., ICLR 2022, arXiv 2006.09365): consecutive points of the order form
 * buckets of `size`, and Y_i is the mean of bucket i. The last bucket may be smaller.
 * @param order the indices of the K points, each once
 * @returns K×⌈K/size⌉; column i holds the weights of the points in Y_i
 */
export function bucketMixing(order: readonly number[], size: number): Matrix {
  const count = order.length;
  const out = new Matrix(count, Math.ceil(count / size));
  for (let i = 0; i < out.cols; i++) {
    const bucket = order.slice(i * size, (i + 1) * size);
    for (const k of bucket) out.data[k + i * count] = 1 / bucket.length;
  }
  return out;
}
