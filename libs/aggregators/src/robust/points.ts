import { isLowRank, loaded, tensorsOf, yieldToEventLoop } from "@fedclair/core";
import { Matrix, multiply, at } from "@fedclair/linalg";
import { iterateBlocks, type Changes } from "./blocks.js";
import { addSquaredDistances, combineColumns, squaredNorm } from "./columns.js";
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
export async function createPoints(modules: readonly Changes[]): Promise<Points> {
  return areDense(modules)
    ? createDensePoints(modules)
    : createPointsFromGram(await gramOf(modules));
}

function areDense(modules: readonly Changes[]): boolean {
  return modules.every((changes) => !changes.some(isLowRank));
}

/** Of more dense points all inner products cost more than a few passes. */
const maxGramPoints = 128;
/** Of the squares that it is a difference of, a squared distance is at least this share, or it keeps too few digits. */
const minDistanceShare = 1e-6;

/**
 * For a rule that looks many times: by the Gram matrix, and at dense points themselves where that would lose digits, or where they are many.
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

/** |V_k - v|² = G_kk - 2·(Gc)_k + cᵀGc. @param gram of the points, K×K */
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

/** One pass over the numbers for each v, which is never held as a whole. */
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

/** squares_k += |V_k - v|². @returns |v|² */
async function addSquaresAround(
  squares: Float64Array,
  changes: Changes,
  weights: Float64Array,
): Promise<number> {
  let squared = 0;
  for await (const { columns } of iterateBlocks(changes)) {
    const center = combineColumns(columns, weights);
    squared += squaredNorm(center);
    addSquaredDistances(squares, columns, center);
  }
  return squared;
}

/** Numbers that are read between two pauses: half a millisecond. */
const betweenPauses = 1 << 20;

/** squares_k += |V_k|², of the numbers as they were sent: to make float64 of them takes longer. */
async function addSquares(squares: Float64Array, changes: Changes): Promise<void> {
  let read = 0;
  for (const [k, change] of changes.entries()) {
    for (const { data } of tensorsOf(loaded(change))) {
      squares[k] = at(squares, k) + squaredNorm(data);
      read += data.length;
    }
    if (read < betweenPauses) continue;
    await yieldToEventLoop();
    read = 0;
  }
}
