import {
  deltaShape,
  isLowRank,
  readNumbers,
  sizeOf,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import {
  at,
  gramTN,
  indices,
  item,
  Matrix,
  multiply,
  multiplyTN,
  pick,
  symmetricEigen,
} from "@fedclair/linalg";
import type { ModuleMeasures } from "./measures.js";
import {
  findAxes,
  readRows,
  readRowSpaces,
  scaleAxes,
  type Axes,
  type RowSpaces,
} from "./row-space.js";

/**
 * Measures one module of all clients. The measures belong to the changes, whatever factors a pair
 * comes in. The rows of B must be those that were sent: other coordinates, such as those of
 * `condense`, would change the entries.
 * @param updates at least one
 * @param rowSpaces of the pairs' factors A; without them they are not compared
 */
export function measureModule(
  updates: readonly TensorDelta[],
  { axes, products }: Partial<RowSpaces> = readRowSpaces(listAs(updates)),
): ModuleMeasures {
  const as = listAs(updates);
  const spaces = axes ?? as.map((a) => findAxes(gramTN(readRows(a))));
  const [rows = 1, ...rest] = deltaShape(item(updates, 0));
  const space = findRowShape(updates);
  let pairs = 0;
  return {
    evenness: updates.map((update) =>
      isLowRank(update)
        ? measureFactorEvenness(update.b, item(spaces, pairs++))
        : measureEvenness(readNumbers(update)),
    ),
    ...(products && space && { rowSpaces: toRowSpaces(products, space) }),
    isDense: 2 * as.length < updates.length,
    shape: [rows, rankOf(item(updates, 0)) || sizeOf(rest)],
  };
}

function listAs(updates: readonly TensorDelta[]): Tensor[] {
  return updates.filter(isLowRank).map(({ a }) => a);
}

function rankOf(update: TensorDelta): number {
  return isLowRank(update) ? (update.b.shape[1] ?? 0) : 0;
}

/** The dimension of the row spaces, and of the space that they are in. */
interface RowShape {
  readonly rank: number;
  /** Larger than the rank. */
  readonly width: number;
}

/**
 * The shape of the row spaces, if all changes are pairs of one rank. Spaces of different
 * dimensions, or as large as the whole, cannot show that they moved.
 */
export function findRowShape(updates: readonly TensorDelta[]): RowShape | undefined {
  const rank = rankOf(item(updates, 0));
  const width = sizeOf(deltaShape(item(updates, 0)).slice(1));
  const isUsable = rank > 0 && rank < width && updates.every((one) => rankOf(one) === rank);
  return isUsable ? { rank, width } : undefined;
}

/** The measures of some clients. */
export function selectMeasures(
  { evenness, rowSpaces, isDense, shape }: ModuleMeasures,
  rows: readonly number[],
): ModuleMeasures {
  return {
    evenness: pick(evenness, rows),
    ...(rowSpaces && { rowSpaces: rowSpaces.among(rows) }),
    isDense,
    shape,
  };
}

/**
 * Computes ⟨X_i, X_j⟩ as the sum of the entrywise product of B_iᵀB_j and A_iA_jᵀ.
 * @param lefts, rights blocks by j; only the upper triangle of the whole matrix is read
 */
export function sumEntrywiseProducts(lefts: readonly Matrix[], rights: readonly Matrix[]): Matrix {
  const out = new Matrix(lefts.length, lefts.length);
  let first = 0; // the first row of the diagonal block
  lefts.forEach((left, j) => {
    const right = item(rights, j);
    for (let c = 0; c < left.cols; c++) {
      const [x, y] = [left.column(c), right.column(c)];
      for (let i = 0, row = 0; i <= j; i++) {
        const diagonal = first + c;
        const end = i === j ? diagonal : row + item(lefts, i).cols;
        let total = 0;
        for (; row < end; row++) total += at(x, row) * at(y, row);
        if (i === j) total = 2 * total + at(x, diagonal) * at(y, diagonal);
        out.data[i + j * out.rows] = at(out.data, i + j * out.rows) + total;
      }
    }
    for (let i = 0; i < j; i++) out.data[j + i * out.rows] = at(out.data, i + j * out.rows);
    first += left.cols;
  });
  return out;
}

/**
 * Takes out of the inner products of projections what random spaces have in common: (|UᵀV|² −
 * r²/n)/(r − r²/n), 1 for the same space and about 0 for unrelated ones.
 * @param products |UᵀV|² of spaces of r dimensions or fewer
 */
export function toRowSpaces(products: Matrix, { rank, width }: RowShape): Matrix {
  const [byChance, most] = [rank ** 2 / width, rank - rank ** 2 / width];
  const entries = products.data.map((common) => (common - byChance) / most);
  return new Matrix(products.rows, products.cols, entries);
}

/** ln of the evenness of normally distributed numbers, ln √(2/π). */
export const normalEvenness = 0.5 * Math.log(2 / Math.PI);

/** Number of rows that are measured. On pools of adapters all rows gave the same verdicts. */
const maxRows = 256;
/** Number of directions that are measured, the largest ones. */
const maxDirections = 16;
/** Sweeps over all pairs of columns; four are enough for the evenness to stay the same. */
const maxSweeps = 4;
/** Smaller angles, in radians, do not change the evenness that can be seen. */
const minAngle = 1e-2;

/**
 * Returns ln of the mean size of the entries over their root mean square; at most 0, where all
 * entries have one size, and that of normal numbers if all are zero. Optimisers that scale every
 * entry by itself, such as Adam, leave entries of one size where clients learn the same thing.
 */
function measureEvenness(entries: ArrayLike<number>): number {
  const most = largestSize(entries);
  let [sizes, squares] = [0, 0];
  for (let i = 0; i < entries.length; i++) {
    const x = Math.abs(entries[i] as number) / (most || 1); // squares neither overflow nor vanish
    sizes += x;
    squares += x * x;
  }
  return squares === 0 ? normalEvenness : Math.log(sizes / Math.sqrt(squares * entries.length));
}

/**
 * Measures the evenness of a change B·A with factors in the coordinates in which it is greatest, so
 * that it belongs to the change and not to its factors: (B·R)·(R⁻¹·A) is the same change. The
 * coordinates are found from the change's principal axes by rotations of pairs of columns that make
 * the sum of fourth powers small (Carroll 1953, with the opposite sign, as in Kaiser 1958).
 * @param b the factor B, p×r
 * @param space of the rows of A = T·Qᵀ with T = axes·diag(lengths)
 */
function measureFactorEvenness(b: Tensor, space: Axes): number {
  const triangle = scaleAxes(space, (length) => length, space.dimensions);
  const columns = multiply(takeRows(b), triangle);
  const most = largestSize(columns.data);
  if (most === 0) return normalEvenness;
  const scaled = columns.scale(1 / most); // so that fourth powers neither overflow nor vanish
  const { vectors } = symmetricEigen(multiplyTN(scaled, scaled));
  const rotated = multiply(scaled, vectors.columns(0, Math.min(vectors.cols, maxDirections)));
  rotateToEvenness(rotated);
  return measureEvenness(rotated.data);
}

/** Reads rows at equal distances. */
function takeRows(b: Tensor): Matrix {
  const [rows = 0, cols = 0] = b.shape;
  const entries = readNumbers(b);
  const out = new Matrix(Math.min(rows, maxRows), cols);
  for (let i = 0; i < out.rows; i++) {
    const from = Math.floor((i * rows) / out.rows) * cols;
    for (let j = 0; j < cols; j++) out.data[i + j * out.rows] = entries[from + j] as number;
  }
  return out;
}

/** Rotates the columns in place. */
function rotateToEvenness(columns: Matrix): void {
  const all = indices(columns.cols).map((j) => columns.column(j));
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let isStill = true;
    for (let j = 1; j < columns.cols; j++) {
      for (let i = 0; i < j; i++) {
        const [x, y] = [item(all, i), item(all, j)];
        const [cosine, sine] = findEvenRotation(x, y);
        if (Math.abs(sine) < minAngle) continue;
        isStill = false;
        rotate(x, y, cosine, sine);
      }
    }
    if (isStill) return;
  }
}

/**
 * Cosine and sine of the angle φ, −π/4 … π/4, that makes the sum of the fourth powers of both
 * columns least. Square roots have the same bits everywhere, which atan2 does not.
 */
function findEvenRotation(x: Float64Array, y: Float64Array): readonly [number, number] {
  let [along, across] = [0, 0];
  for (let k = 0; k < x.length; k++) {
    const [a, b] = [x[k] as number, y[k] as number];
    const [u, v] = [a * a - b * b, 2 * a * b];
    along += u * u - v * v;
    across += 2 * u * v;
  }
  // The sum is a constant plus (along · cos 4φ + across · sin 4φ) / 4.
  const length = Math.sqrt(along * along + across * across);
  if (!(length > 0)) return [1, 0];
  return halve(...halve(-along / length, -across / length));
}

/** Cosine and sine of half an angle of −π … π. */
function halve(cosine: number, sine: number): [number, number] {
  if (cosine > 0) {
    const half = Math.sqrt((1 + cosine) / 2);
    return [half, sine / (2 * half)];
  }
  const half = Math.sqrt((1 - cosine) / 2);
  return sine < 0 ? [-sine / (2 * half), -half] : [sine / (2 * half), half];
}

function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let k = 0; k < x.length; k++) {
    const [a, b] = [x[k] as number, y[k] as number];
    x[k] = c * a + s * b;
    y[k] = c * b - s * a;
  }
}

function largestSize(entries: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < entries.length; i++) most = Math.max(most, Math.abs(entries[i] as number));
  return most;
}
