import type * as TensorFlow from "@tensorflow/tfjs-core";
import { addressIn, checkFloats, getKernels, withBytes, type WasmBackend } from "./wasm-backend.js";

type Inputs = Record<string, TensorFlow.TensorInfo>;

/**
 * Adds layers for `tf.engine().runKernel` that TensorFlow.js would compose of a dozen operations
 * each; for wasm only.
 *
 * - `Normalize` of x, rows×width: [y, scales]. `NormalizeGradient` of y, scales and dy: dx.
 * - `ReluGradient` of y and dy: dx.
 * - `Attention` of q, k and v, (sequences·positions)×width, with attributes `queries`, `positions`
 *   and `heads`: [y, probabilities]. `AttentionGradient` of the same inputs, probabilities and dy:
 *   [dq, dk, dv].
 *
 * The width of a layer and of a head is a multiple of 4.
 */
export function addLayers(tf: typeof TensorFlow): void {
  const add = (
    kernelName: string,
    kernel: (
      backend: WasmBackend,
      inputs: Inputs,
      sizes: AttentionSizes,
    ) => TensorFlow.TensorInfo[],
  ) => {
    tf.registerKernel({
      kernelName,
      backendName: "wasm",
      kernelFunc: ({ inputs, backend, attrs }) => {
        checkFloats(kernelName, Object.values(inputs));
        const typedInputs = inputs as unknown as Inputs;
        return kernel(
          backend as unknown as WasmBackend,
          typedInputs,
          attrs as unknown as AttentionSizes,
        );
      },
    });
  };
  add("Normalize", normalize);
  add("NormalizeGradient", normalizeGradient);
  add("ReluGradient", reluGradient);
  add("Attention", attention);
  add("AttentionGradient", attentionGradient);
}

function normalize(backend: WasmBackend, { x }: Inputs): TensorFlow.TensorInfo[] {
  const [rows, width] = readSizes(x);
  const y = backend.makeOutput([rows, width], "float32");
  const scales = backend.makeOutput([rows, 1], "float32");
  const at = (tensor: TensorFlow.TensorInfo | undefined) => addressOf(backend, tensor);
  getKernels(backend).normalize(at(x), rows, width, at(y), at(scales));
  return [y, scales];
}

function normalizeGradient(backend: WasmBackend, { y, scales, dy }: Inputs) {
  const [rows, width] = readSizes(y);
  const dx = backend.makeOutput([rows, width], "float32");
  const at = (tensor: TensorFlow.TensorInfo | undefined) => addressOf(backend, tensor);
  getKernels(backend).normalizeGradient(at(y), at(scales), at(dy), rows, width, at(dx));
  return [dx];
}

function reluGradient(backend: WasmBackend, { y, dy }: Inputs) {
  const [rows, width] = readSizes(y);
  const dx = backend.makeOutput([rows, width], "float32");
  const at = (tensor: TensorFlow.TensorInfo | undefined) => addressOf(backend, tensor);
  getKernels(backend).reluGradient(at(y), at(dy), rows * width, at(dx));
  return [dx];
}

interface AttentionSizes {
  readonly queries: number;
  readonly positions: number;
  readonly heads: number;
}

function attention(backend: WasmBackend, { q, k, v }: Inputs, sizes: AttentionSizes) {
  const { queries, positions, heads } = sizes;
  const [rows, width] = readSizes(q);
  const sequences = rows / queries;
  const y = backend.makeOutput([rows, width], "float32");
  const across = padPositions(positions);
  const probabilities = backend.makeOutput([sequences, heads, queries, across], "float32");
  const at = (tensor: TensorFlow.TensorInfo | undefined) => addressOf(backend, tensor);
  withBytes(backend, 4 * (width / heads) * across, (columns) => {
    getKernels(backend).attention(
      at(q),
      at(k),
      at(v),
      sequences,
      queries,
      positions,
      heads,
      width,
      at(y),
      at(probabilities),
      columns,
    );
  });
  return [y, probabilities];
}

function attentionGradient(
  backend: WasmBackend,
  { q, k, v, probabilities, dy }: Inputs,
  { queries, positions, heads }: AttentionSizes,
) {
  const [rows, width] = readSizes(q);
  const [keys] = readSizes(k);
  const dq = backend.makeOutput([rows, width], "float32");
  const dk = backend.makeOutput([keys, width], "float32");
  const dv = backend.makeOutput([keys, width], "float32");
  const at = (tensor: TensorFlow.TensorInfo | undefined) => addressOf(backend, tensor);
  withBytes(backend, 4 * (width / heads + queries) * padPositions(positions), (room) => {
    getKernels(backend).attentionGradient(
      at(q),
      at(k),
      at(v),
      rows / queries,
      queries,
      positions,
      heads,
      width,
      at(probabilities),
      at(dy),
      at(dq),
      at(dk),
      at(dv),
      room,
    );
  });
  return [dq, dk, dv];
}

/** Rounds the number of positions up to a multiple of four, the number of lanes. */
function padPositions(positions: number): number {
  return 4 * Math.ceil(positions / 4);
}

function readSizes(matrix: TensorFlow.TensorInfo | undefined): readonly [number, number] {
  const [rows = NaN, width = NaN] = matrix?.shape ?? [];
  return [rows, width];
}

function addressOf(backend: WasmBackend, tensor: TensorFlow.TensorInfo | undefined): number {
  if (!tensor) throw new TypeError("a layer on wasm lacks an input");
  return addressIn(backend, tensor);
}
