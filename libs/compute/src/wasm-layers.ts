import type * as TensorFlow from "@tensorflow/tfjs-core";
import type { Kernels } from "./kernels.js";
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
  for (const [kernelName, layer] of Object.entries(layers)) {
    tf.registerKernel({
      kernelName,
      backendName: "wasm",
      kernelFunc: ({ inputs, backend, attrs }) => {
        checkFloats(kernelName, Object.values(inputs));
        return layer(
          openMemory(backend as unknown as WasmBackend),
          inputs as unknown as Inputs,
          attrs as unknown as AttentionSizes,
        );
      },
    });
  }
}

/** The kernels, and the tensors that they read and write. */
interface Memory {
  readonly kernels: Kernels;
  /** Creates a tensor for a result. */
  readonly create: (...shape: number[]) => TensorFlow.TensorInfo;
  /** The address of a tensor's numbers. */
  readonly at: (tensor: TensorFlow.TensorInfo | undefined) => number;
  /** Lends temporary memory to `use`. */
  readonly lend: (bytes: number, use: (address: number) => void) => void;
}

function openMemory(backend: WasmBackend): Memory {
  return {
    kernels: getKernels(backend),
    create: (...shape) => backend.makeOutput(shape, "float32"),
    at: (tensor) => {
      if (!tensor) throw new TypeError("a layer on wasm lacks an input");
      return addressIn(backend, tensor);
    },
    lend: (bytes, use) => {
      withBytes(backend, bytes, use);
    },
  };
}

type Layer = (memory: Memory, inputs: Inputs, sizes: AttentionSizes) => TensorFlow.TensorInfo[];

interface AttentionSizes {
  readonly queries: number;
  readonly positions: number;
  readonly heads: number;
}

const layers: Readonly<Record<string, Layer>> = {
  Normalize: ({ kernels, create, at }, { x }) => {
    const [rows, width] = readSizes(x);
    const [y, scales] = [create(rows, width), create(rows, 1)];
    kernels.normalize(at(x), rows, width, at(y), at(scales));
    return [y, scales];
  },
  NormalizeGradient: ({ kernels, create, at }, { y, scales, dy }) => {
    const [rows, width] = readSizes(y);
    const dx = create(rows, width);
    kernels.normalizeGradient(at(y), at(scales), at(dy), rows, width, at(dx));
    return [dx];
  },
  ReluGradient: ({ kernels, create, at }, { y, dy }) => {
    const [rows, width] = readSizes(y);
    const dx = create(rows, width);
    kernels.reluGradient(at(y), at(dy), rows * width, at(dx));
    return [dx];
  },
  Attention: ({ kernels, create, at, lend }, { q, k, v }, { queries, positions, heads }) => {
    const [rows, width] = readSizes(q);
    const sequences = rows / queries;
    const across = padPositions(positions);
    const y = create(rows, width);
    const probabilities = create(sequences, heads, queries, across);
    const sizes = [sequences, queries, positions, heads, width] as const;
    lend(4 * (width / heads) * across, (columns) => {
      kernels.attention(at(q), at(k), at(v), ...sizes, at(y), at(probabilities), columns);
    });
    return [y, probabilities];
  },
  AttentionGradient: (
    { kernels, create, at, lend },
    { q, k, v, probabilities, dy },
    { queries, positions, heads },
  ) => {
    const [rows, width] = readSizes(q);
    const [keys] = readSizes(k);
    const [dq, dk, dv] = [create(rows, width), create(keys, width), create(keys, width)];
    const sizes = [rows / queries, queries, positions, heads, width] as const;
    lend(4 * (width / heads + queries) * padPositions(positions), (room) => {
      const given = [at(q), at(k), at(v), ...sizes, at(probabilities), at(dy)] as const;
      kernels.attentionGradient(...given, at(dq), at(dk), at(dv), room);
    });
    return [dq, dk, dv];
  },
};

/** Rounds the number of positions up to a multiple of four, the number of lanes. */
function padPositions(positions: number): number {
  return 4 * Math.ceil(positions / 4);
}

function readSizes(matrix: TensorFlow.TensorInfo | undefined): readonly [number, number] {
  const [rows = NaN, width = NaN] = matrix?.shape ?? [];
  return [rows, width];
}
