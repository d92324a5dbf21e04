import {
  loadChange,
  type Dense,
  type DenseDelta,
  type Numbers,
  yieldToEventLoop,
  deltaShape,
  sizeOf,
  type TensorDelta,
} from "@fedclair/core";
import { Matrix, multiplyInto, item, at } from "@fedclair/linalg";

/**
 * The clients' changes of one module, all of the same shape; dense tensors and low-rank pairs may
 * mix.
 */
export type Changes = readonly TensorDelta[];

/** A range of coordinates of all clients' changes. */
interface CoordinateBlock {
  /** Index of the first coordinate in the flattened module. */
  readonly from: number;
  /** One column for each client. The next block overwrites the numbers. */
  readonly whole: Matrix;
  /** The columns of `whole`. */
  readonly columns: readonly Float64Array[];
}

/**
 * Numbers in a block: 2 MB of float64. Columns are long enough that the overhead of a block is
 * negligible, and the block still fits into a cache.
 */
const blockNumbers = 1 << 18;

/**
 * Iterates over the coordinates of a module block by block and yields to the event loop in between.
 * Pairs are multiplied out for one block at a time, so nothing as large as the module is allocated.
 * @param moduleChanges at least one
 */
export async function* iterateBlocks(moduleChanges: Changes): AsyncGenerator<CoordinateBlock> {
  const changes = moduleChanges.map(loadChange);
  const [first] = changes;
  if (first === undefined) return;
  const length = sizeOf(deltaShape(first));
  // An odd length, because columns that lie a power of two apart would compete for the same cache
  // lines.
  const most = Math.floor(blockNumbers / changes.length) | 1;
  const room = new Float64Array(Math.min(most, length) * changes.length);
  for (let from = 0; from < length; from += most) {
    const rows = Math.min(most, length - from);
    const whole = new Matrix(rows, changes.length, room.subarray(0, rows * changes.length));
    const columns = changes.map((_, k) => whole.column(k));
    changes.forEach((change, k) => {
      readInto(item(columns, k), change, from);
    });
    yield { from, whole, columns };
    await yieldToEventLoop();
  }
}

/**
 * Iterates like `iterateBlocks` over the coordinates of L mixed changes Σ_k mixing[k, i]·x_k.
 * @param mixing K×L
 */
export async function* iterateMixedBlocks(
  moduleChanges: Changes,
  mixing: Matrix,
): AsyncGenerator<CoordinateBlock> {
  let last: Matrix | undefined;
  for await (const { from, whole } of iterateBlocks(moduleChanges)) {
    const mixed = last?.rows === whole.rows ? last : new Matrix(whole.rows, mixing.cols);
    multiplyInto(mixed, whole, mixing);
    const columns = Array.from({ length: mixing.cols }, (_, i) => mixed.column(i));
    yield { from, whole: mixed, columns };
    last = mixed;
  }
}

/** Reads the flattened change from index `from` on. */
function readInto(out: Float64Array, change: DenseDelta, from: number): void {
  if ("b" in change) multiplyOut(out, change.b, change.a, from);
  else out.set(change.data.subarray(from, from + out.length));
}

/**
 * Computes the entries of B·A from index `from` on, row-major. The first and the last row may be
 * incomplete.
 */
function multiplyOut(out: Float64Array, b: Dense, a: Dense, from: number): void {
  const [rank = 0, cols = 0] = a.shape;
  out.fill(0);
  for (let done = 0; done < out.length;) {
    const row = Math.floor((from + done) / cols);
    const col = (from + done) % cols;
    const count = Math.min(cols - col, out.length - done);
    for (let l = 0; l < rank; l++) {
      const factor = item(b.data, row * rank + l);
      const start = l * cols + col;
      for (let j = 0; j < count; j++) {
        out[done + j] = at(out, done + j) + factor * item(a.data, start + j);
      }
    }
    done += count;
  }
}

/** Converts a vector to a dense change of a module. */
export function vectorToTensor(data: Numbers): Dense {
  return { shape: [data.length], data };
}
