import {
  yieldToEventLoop,
  isLowRank,
  loaded,
  deltaShape,
  sizeOf,
  type LowRank,
  type TensorDelta,
  type Tensor,
} from "@fedclair/core";
import { Matrix, multiplyInto, item, at } from "@fedclair/linalg";

/** The clients' changes of one module, all of one shape; dense ones and low-rank pairs may mix. */
export type Changes = readonly TensorDelta[];

/** Some coordinates of all clients' changes. */
export interface Block {
  /** Index of the first of them in the flattened module. */
  readonly from: number;
  /** A column for each client, of numbers that the next block overwrites. */
  readonly whole: Matrix;
  /** Its columns. */
  readonly columns: readonly Float64Array[];
}

/** 2 MB of float64: columns long enough that handling blocks costs nothing beside the numbers, and still in a cache. */
const blockNumbers = 1 << 18;

/**
 * Goes through the coordinates of a module block by block, and gives way to the event loop in between. Pairs are multiplied out
 * for one block at a time: nothing of the size of the module is made.
 * @param sent at least one
 */
export async function* iterateBlocks(moduleChanges: Changes): AsyncGenerator<Block> {
  const changes = moduleChanges.map(loaded);
  const [first] = changes;
  if (first === undefined) return;
  const length = sizeOf(deltaShape(first));
  // Odd, since columns that lie a power of two apart would share the lines of a cache.
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

/** The same of Σ_k mixing[k, i]·x_k in place of every change x_i. @param mixing K×K */
export async function* iterateMixedBlocks(
  moduleChanges: Changes,
  mixing: Matrix,
): AsyncGenerator<Block> {
  let last: Matrix | undefined;
  for await (const { from, whole } of iterateBlocks(moduleChanges)) {
    const mixed = last?.rows === whole.rows ? last : new Matrix(whole.rows, whole.cols);
    multiplyInto(mixed, whole, mixing);
    yield { from, whole: mixed, columns: moduleChanges.map((_, k) => mixed.column(k)) };
    last = mixed;
  }
}

/** Numbers of the flattened change, `from` and on. */
function readInto(out: Float64Array, change: TensorDelta, from: number): void {
  if (isLowRank(change)) multiplyOut(out, change, from);
  else out.set(change.data.subarray(from, from + out.length));
}

/** Entries `from` … of B·A, row-major: whole rows, and parts of the first and last one. */
function multiplyOut(out: Float64Array, { b, a }: LowRank, from: number): void {
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

/** A vector as a module's dense change. */
export function vectorToTensor(data: Tensor["data"]): Tensor {
  return { shape: [data.length], data };
}
