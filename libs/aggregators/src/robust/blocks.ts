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
import { Matrix, item, at } from "@fedclair/linalg";

/** The clients' changes of one module, all of one shape; dense ones and low-rank pairs may mix. */
export type Changes = readonly TensorDelta[];

/** Some coordinates of all clients' changes. */
export interface Block {
  /** Index of the first of them in the flattened module. */
  readonly from: number;
  /** One for each client: views, not to be written to, of numbers that the next block may overwrite. */
  readonly columns: readonly Float64Array[];
}

/** 2 MB of float64: columns long enough that handling blocks costs nothing beside the numbers, and still in a cache. */
const blockNumbers = 1 << 18;

/**
 * Goes through the coordinates of a module block by block, and gives way to the event loop in between. Pairs are multiplied out
 * for one block at a time: nothing of the size of the module is made.
 * @param sent at least one
 */
export async function* blocksOf(sent: Changes): AsyncGenerator<Block> {
  const changes = sent.map(loaded);
  const [first] = changes;
  if (first === undefined) return;
  const length = sizeOf(deltaShape(first));
  // Odd, since columns that lie a power of two apart would share the lines of a cache.
  const rows = Math.floor(blockNumbers / changes.length) | 1;
  const buffers = changes.map((change) =>
    inFloat64(change) ? undefined : new Float64Array(Math.min(rows, length)),
  );
  for (let from = 0; from < length; from += rows) {
    const to = Math.min(from + rows, length);
    const columns = changes.map((change, k) => read(change, from, to, buffers[k]));
    yield { from, columns };
    await yieldToEventLoop();
  }
}

/**
 * The columns side by side, copied.
 * @param last of a block before: its memory is used again, if there is as much
 */
export function packed(columns: readonly Float64Array[], last?: Matrix): Matrix {
  const rows = columns[0]?.length ?? 0;
  const isAsLarge = last?.rows === rows && last.cols === columns.length;
  const out = isAsLarge ? last : new Matrix(rows, columns.length);
  columns.forEach((column, k) => {
    out.column(k).set(column);
  });
  return out;
}

function inFloat64(change: TensorDelta): boolean {
  return !isLowRank(change) && change.data instanceof Float64Array;
}

/** Numbers from … to - 1 of the flattened change. @param buffer for what cannot be viewed */
function read(
  change: TensorDelta,
  from: number,
  to: number,
  buffer = new Float64Array(0),
): Float64Array {
  if (!isLowRank(change) && change.data instanceof Float64Array) {
    return change.data.subarray(from, to);
  }
  const out = buffer.subarray(0, to - from);
  if (isLowRank(change)) multiplyInto(out, change, from);
  else out.set(change.data.subarray(from, to));
  return out;
}

/** Entries `from` … of B·A, row-major: whole rows, and parts of the first and last one. */
function multiplyInto(out: Float64Array, { b, a }: LowRank, from: number): void {
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
export function tensorOfVector(data: Tensor["data"]): Tensor {
  return { shape: [data.length], data };
}
