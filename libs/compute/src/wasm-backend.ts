import type * as TensorFlow from "@tensorflow/tfjs-core";
import { createKernels, type Kernels } from "./kernels.js";

/** The internals of TensorFlow.js's wasm backend that are used here. */
export interface WasmBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: "float32"): TensorFlow.TensorInfo;
}

const instances = new WeakMap<WasmBackend, Kernels>();

/** Our kernels in the backend's own memory, so that they work on its tensors in place. */
export function getKernels(backend: WasmBackend): Kernels {
  const existing = instances.get(backend);
  if (existing) return existing;
  const kernels = createKernels(backend.wasm.asm.memory);
  instances.set(backend, kernels);
  return kernels;
}

/** The address of a tensor's numbers. */
export function addressIn(backend: WasmBackend, { dataId }: TensorFlow.TensorInfo): number {
  return backend.dataIdMap.get(dataId).memoryOffset;
}

/** @throws TypeError for a tensor of another type */
export function checkFloats(
  kernel: string,
  tensors: readonly (TensorFlow.TensorInfo | undefined)[],
): void {
  const other = tensors.find((tensor) => tensor?.dtype !== "float32");
  if (other === undefined && tensors.every((tensor) => tensor)) return;
  throw new TypeError(
    `${kernel} on wasm: expected float32, got ${other?.dtype ?? "no tensor"}: cast it first`,
  );
}

/** Lends temporary memory to `use`. */
export function withBytes<T>({ wasm }: WasmBackend, bytes: number, use: (address: number) => T): T {
  const address = wasm._malloc(bytes);
  try {
    return use(address);
  } finally {
    wasm._free(address);
  }
}
