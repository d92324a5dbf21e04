import { isLowRank } from "@fedclair/core";
import { Matrix, multiply, at } from "@fedclair/linalg";
import { blocksOf, type Changes } from "./blocks.js";
import { addSquaredDistances, combination, squaredNorm } from "./columns.js";
import { gramOf, requireFinite } from "./gram.js";

/** K points V_k as a rule sees them that only has to weight them. */
export interface Points {
  readonly count: number;
  /** How they lie around v = Σ c_k·V_k. @param weights c, K numbers of any sum */
  around(weights: Float64Array): Promise<Around>;
}

export interface Around {
  /** |v| */
  readonly norm: number;
  /** |V_k - v| of every k. */
  readonly distances: Float64Array;
}

/** Low-rank pairs by their Gram matrix; dense changes themselves, as a few passes cost less than all inner products. */
export async function pointsOf(modules: readonly Changes[]): Promise<Points> {
  const dense = modules.every((changes) => !changes.some(isLowRank));
  return dense ? densePoints(modules) : pointsOfGram(await gramOf(modules));
}

/** |V_k - v|² = G_kk - 2·(Gc)_k + cᵀGc. @param gram of the points, K×K */
export function pointsOfGram(gram: Matrix): Points {
  const count = gram.rows;
  return {
    count,
    around: (weights) => {
      const products = multiply(gram, new Matrix(count, 1, weights)).data;
      const squared = products.reduce((total, x, k) => total + x * at(weights, k), 0);
      const distances = products.map((x, k) =>
        Math.sqrt(Math.max(0, gram.get(k, k) - 2 * x + squared)),
      );
      return Promise.resolve({ norm: Math.sqrt(Math.max(0, squared)), distances });
    },
  };
}

/** One pass over the numbers for each v, which is never held as a whole. */
function densePoints(modules: readonly Changes[]): Points {
  const count = modules[0]?.length ?? 0;
  return {
    count,
    around: async (weights) => {
      const squares = new Float64Array(count);
      let squared = 0;
      for (const changes of modules) {
        for await (const { columns } of blocksOf(changes)) {
          const center = combination(columns, weights);
          squared += squaredNorm(center);
          addSquaredDistances(squares, columns, center);
        }
      }
      requireFinite(squares);
      return { norm: Math.sqrt(squared), distances: squares.map(Math.sqrt) };
    },
  };
}
