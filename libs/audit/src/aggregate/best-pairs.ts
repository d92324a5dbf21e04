import { bestPair, bestPairs, type BestPair } from "@fedclair/clair";
import {
  isLowRank,
  toDense,
  toMatrix,
  type LowRank,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { addScaled, item, Matrix } from "@fedclair/linalg";
import type { Factors } from "@fedclair/rules";

/**
 * Approximates sums of changes of one module by the best pairs of the given ranks.
 * @param shape p×q
 */
export function findBestPairs(
  sums: readonly (readonly TensorDelta[])[],
  ranks: readonly number[],
  [rows, columns]: readonly [number, number],
): BestPair[] {
  if (!sums.flat().every(isLowRank)) {
    return sums.map((parts, t) => {
      const whole = new Matrix(rows, columns);
      for (const part of parts) addScaled(whole, 1, toDense(part));
      return bestPair(whole, item(ranks, t));
    });
  }
  // A tensor that several parts share is converted to one matrix.
  const matrices = { b: new Map<Tensor, Matrix>(), a: new Map<Tensor, Matrix>() };
  const pairs = new Map<LowRank, Factors>();
  const factors = (pair: LowRank): Factors => {
    const cached = pairs.get(pair) ?? { b: matrix("b", pair.b), a: matrix("a", pair.a) };
    pairs.set(pair, cached);
    return cached;
  };
  const matrix = (side: "b" | "a", tensor: Tensor): Matrix => {
    const cached = matrices[side].get(tensor) ?? toMatrix(tensor);
    matrices[side].set(tensor, cached);
    return cached;
  };
  const nothing = { shape: [rows, 1], data: new Float64Array(rows) };
  const none: LowRank = { b: nothing, a: { shape: [1, columns], data: new Float64Array(columns) } };
  const changes = sums.map((parts) => [...parts.filter(isLowRank), none].map(factors));
  return bestPairs(changes, ranks, {
    lefts: [...matrices.b.values()],
    rights: [...matrices.a.values()].map((a) => a.transpose()),
  });
}
