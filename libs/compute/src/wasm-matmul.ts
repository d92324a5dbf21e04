import type * as TensorFlow from "@tensorflow/tfjs-core";
import { addressIn, checkFloats, getKernels, withBytes, type WasmBackend } from "./wasm-backend.js";

/**
 * Replaces the matrix product of the wasm backend, which is fast only for plain products of two
 * dimensions; a batched or transposed one takes ten times as long. This one is as fast for all, and
 * sums in the same order: the bits do not depend on how many rows or batches are multiplied
 * together.
 */
export function replaceMatMul(tf: typeof TensorFlow): void {
  tf.unregisterKernel("BatchMatMul", "wasm");
  tf.registerKernel({
    kernelName: "BatchMatMul",
    backendName: "wasm",
    kernelFunc: ({ inputs: { a, b }, backend, attrs }) => {
      checkFloats("matMul", [a, b]);
      const { transposeA, transposeB } = attrs as unknown as Attributes;
      return matMul(
        tf,
        backend as unknown as WasmBackend,
        toMatrices(a as TensorFlow.TensorInfo, transposeA),
        toMatrices(b as TensorFlow.TensorInfo, transposeB),
      );
    },
  });
}

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

interface Matrices {
  readonly tensor: TensorFlow.TensorInfo;
  readonly batches: number[];
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** Distance, in numbers, from an entry to the one below and to the one to the right. */
  readonly down: number;
  readonly across: number;
}

function toMatrices(tensor: TensorFlow.TensorInfo, isTransposed: boolean): Matrices {
  const [rows = 1, columns = 1] = tensor.shape.slice(-2);
  const batches = tensor.shape.slice(0, -2);
  const count = batches.reduce((product, size) => product * size, 1);
  return isTransposed
    ? { tensor, batches, count, rows: columns, columns: rows, down: 1, across: columns }
    : { tensor, batches, count, rows, columns, down: columns, across: 1 };
}

function matMul(
  tf: typeof TensorFlow,
  backend: WasmBackend,
  a: Matrices,
  b: Matrices,
): TensorFlow.TensorInfo {
  const batches = tf.broadcast_util.assertAndGetBroadcastShape(a.batches, b.batches);
  const count = Math.max(a.count, b.count);
  if ([a, b].some((one) => one.count !== count && one.count !== 1))
    throw new RangeError(
      `matMul on wasm: cannot repeat single dimensions of batches ${a.batches.join("×")} and ${b.batches.join("×")}: tile one of them`,
    );
  const [m, k, n] = [a.rows, a.columns, b.columns];
  const out = backend.makeOutput([...batches, m, n], "float32");
  const kernels = getKernels(backend);
  withBytes(backend, (k + 2) * 16 * 4, (panel) => {
    const from = addressIn(backend, a.tensor);
    const by = addressIn(backend, b.tensor);
    const to = addressIn(backend, out);
    const step = (one: Matrices) => (one.count === 1 ? 0 : one.rows * one.columns * 4);
    const [left, right] = [step(a), step(b)];
    for (let batch = 0; batch < count; batch++) {
      kernels.multiply(
        from + batch * left,
        a.down,
        a.across,
        by + batch * right,
        b.down,
        b.across,
        to + batch * m * n * 4,
        m,
        n,
        k,
        panel,
      );
    }
  });
  return out;
}
