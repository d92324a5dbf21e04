import { isLowRank, readNumbers, sizeOf, type LowRank, type TensorDelta } from "@fedclair/core";
import { item, Matrix } from "@fedclair/linalg";
import { pick } from "../lists.js";
import type { ModuleMeasures } from "./measures.js";

/**
 * Measures one module of all clients as they sent it. Turning the factors to other coordinates, as
 * `condense` does, would change the entries.
 * @param updates at least one
 * @param multiply returns the products of the factors, if they are known already
 */
export function measureModule(
  updates: readonly TensorDelta[],
  multiply: (pairs: readonly LowRank[]) => FactorProducts = multiplyFactors,
): ModuleMeasures {
  const pairs = updates.filter(isLowRank);
  const ranks = new Set(pairs.map(({ b }) => b.shape[1]));
  const isOneRank = pairs.length === updates.length && ranks.size === 1;
  const [first] = updates;
  const [rows = 1, ...rest] = first === undefined ? [] : shapeOfEntries(first);
  return {
    evenness: updates.map((update) => measureEvenness(readEntries(update))),
    ...(isOneRank && { factors: multiply(pairs) }),
    shape: [rows, sizeOf(rest)],
  };
}

type FactorProducts = NonNullable<ModuleMeasures["factors"]>;

function shapeOfEntries(update: TensorDelta): readonly number[] {
  return isLowRank(update) ? update.b.shape : update.shape;
}

function readEntries(update: TensorDelta): ArrayLike<number> {
  return readNumbers(isLowRank(update) ? update.b : update);
}

/** ln of the mean size over the root mean square; that of normal numbers if all are zero. */
function measureEvenness(entries: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < entries.length; i++) most = Math.max(most, Math.abs(entries[i] as number));
  let [sizes, squares] = [0, 0];
  for (let i = 0; i < entries.length; i++) {
    const x = Math.abs(entries[i] as number) / (most || 1); // squares neither overflow nor vanish
    sizes += x;
    squares += x * x;
  }
  return squares === 0 ? normalEvenness : Math.log(sizes / Math.sqrt(squares * entries.length));
}

/** ln of the evenness of normally distributed numbers, ln √(2/π). */
export const normalEvenness = 0.5 * Math.log(2 / Math.PI);

function multiplyFactors(pairs: readonly LowRank[]): FactorProducts {
  const inner = new Matrix(pairs.length, pairs.length);
  pairs.forEach(({ a: x }, i) => {
    const own = readNumbers(x);
    for (let j = 0; j <= i; j++) {
      const product = dotOf(own, readNumbers(item(pairs, j).a));
      inner.data[i + j * inner.rows] = product;
      inner.data[j + i * inner.rows] = product;
    }
  });
  return { inner, bSquares: pairs.map(({ b }) => dotOf(readNumbers(b), readNumbers(b))) };
}

function dotOf(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += (x[i] as number) * (y[i] as number);
  return total;
}

/** The measures of some clients. */
export function selectMeasures(
  { evenness, factors, shape }: ModuleMeasures,
  rows: readonly number[],
): ModuleMeasures {
  return {
    evenness: pick(evenness, rows),
    ...(factors && {
      factors: { inner: factors.inner.among(rows), bSquares: pick(factors.bSquares, rows) },
    }),
    shape,
  };
}
