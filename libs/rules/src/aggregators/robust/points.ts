import { readNumbers, isLowRank, tensorsOf, yieldToEventLoop } from "@fedclair/core";
import { Matrix, multiply, at } from "@fedclair/linalg";
import { addWeighted } from "../mean.js";
import { iterateBlocks, type Changes } from "./blocks.js";
import { addSquaredDistances, squaredNorm } from "./columns.js";
import { gramOf, requireFinite } from "./gram.js";

/** K points V_k, as seen by a rule that only needs to weight them. */
export interface Points {
  readonly count: number;
  /**
   * The norm of v = Σ c_k·V_k and the distances of all points from it.
   * @param weights c, K numbers with any sum
   */
  around(weights: Float64Array): Promise<Around>;
}

export interface Around {
  /** |v| */
  readonly norm: number;
  /** |V_k - v| of every point. */
  readonly distances: Float64Array;
}

/**
 * Uses the Gram matrix for low-rank pairs, and the numbers themselves for dense changes, where a
 * few passes cost less than all inner products.
 */
export async function createPoints(modules: readonly Changes[]): Promise<Points> {
  return areDense(modules)
    ? createDensePoints(modules)
    : createPointsFromGram(await gramOf(modules));
}

function areDense(modules: readonly Changes[]): boolean {
  return modules.every((changes) => !changes.some(isLowRank));
}

/** Number of dense points above which all inner products cost more than a few passes. */
const maxGramPoints = 128;
/**
 * A squared distance is a difference of squares. Below this share of them it would have too few
 * correct digits.
 */
const minDistanceShare = 1e-6;

/**
 * Creates points for a rule that makes many passes. It uses the Gram matrix, and falls back to the
 * numbers of dense points where the Gram matrix would lose digits or where there are too many
 * points.
 */
export async function createPointsForManyPasses(modules: readonly Changes[]): Promise<Points> {
  const points = await createPoints(modules);
  if (!areDense(modules) || points.count > maxGramPoints) return points;
  const gram = await gramOf(modules);
  const byGram = createPointsFromGram(gram);
  return {
    count: points.count,
    around: async (weights) => {
      const byInnerProducts = await byGram.around(weights);
      const isClear = byInnerProducts.distances.every(
        (distance, k) =>
          distance ** 2 > minDistanceShare * (gram.get(k, k) + byInnerProducts.norm ** 2),
      );
      return isClear ? byInnerProducts : await points.around(weights);
    },
  };
}

/**
 * Computes distances as |V_k - v|² = G_kk - 2·(Gc)_k + cᵀGc.
 * @param gram Gram matrix of the points, K×K
 */
export function createPointsFromGram(gram: Matrix): Points {
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

/** Makes one pass over the numbers for each v, which is never stored as a whole. */
function createDensePoints(modules: readonly Changes[]): Points {
  const count = modules[0]?.length ?? 0;
  return {
    count,
    around: async (weights) => {
      const squares = new Float64Array(count);
      const isZero = weights.every((weight) => weight === 0);
      let squared = 0;
      for (const changes of modules) {
        if (isZero) await addSquares(squares, changes);
        else squared += await addSquaresAround(squares, changes, weights);
      }
      requireFinite(squares);
      return { norm: Math.sqrt(squared), distances: squares.map(Math.sqrt) };
    },
  };
}

/**
 * Adds |V_k - v|² to every squares_k.
 * @returns |v|²
 */
async function addSquaresAround(
  squares: Float64Array,
  changes: Changes,
  weights: Float64Array,
): Promise<number> {
  let squared = 0;
  for await (const { columns } of iterateBlocks(changes)) {
    const center = new Float64Array(columns[0]?.length ?? 0);
    const terms = columns.map((data, k) => ({ data, weight: at(weights, k) }));
    addWeighted(center, terms);
    squared += squaredNorm(center);
    addSquaredDistances(squares, columns, center);
  }
  return squared;
}

/** Numbers that are read between two yields to the event loop: half a millisecond of work. */
const betweenPauses = 1 << 20;

/**
 * Adds |V_k|² to every squares_k. It reads the numbers in the type in which they were sent, as
 * converting them to float64 takes longer.
 */
async function addSquares(squares: Float64Array, changes: Changes): Promise<void> {
  let read = 0;
  for (const [k, change] of changes.entries()) {
    for (const tensor of tensorsOf(change)) {
      const data = readNumbers(tensor);
      squares[k] = at(squares, k) + squaredNorm(data);
      read += data.length;
    }
    if (read < betweenPauses) continue;
    await yieldToEventLoop();
    read = 0;
  }
}
