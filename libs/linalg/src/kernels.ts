import { kernelBytes } from "#linalg-kernels";

/** The exports of `assembly/`. Addresses are byte offsets in the memory of the instance. */
export interface Kernels {
  multiplyBlock(
    a: number,
    panel: number,
    step: number,
    b: number,
    down: number,
    across: number,
    c: number,
    m: number,
    n: number,
    k: number,
  ): void;
  multiplyOwn(
    a: number,
    c: number,
    m: number,
    from: number,
    to: number,
    k: number,
    stride: number,
  ): void;
  multiplySingles(a: number, b: number, c: number, m: number, n: number, k: number): void;
  interleave(lines: number, stride: number, count: number, panel: number): void;
  factorPanel(a: number, stride: number, m: number, n: number, taus: number): void;
  jacobiSweep(a: number, stride: number, rows: number, n: number, threshold: number): number;
  applyRotations(panel: number, chains: number, end: number): void;
  exp(x: number, count: number): void;
  tanh(x: number, count: number): void;
  tridiagonalise(
    a: number,
    stride: number,
    n: number,
    diagonal: number,
    offDiagonal: number,
    taus: number,
    work: number,
  ): void;
}

const module = new WebAssembly.Module(kernelBytes);

/**
 * Creates kernels that work on the given memory. It must be shared, because they were
 * compiled for shared memory, which lets scratch memory grow under existing arrays.
 */
export function createKernels(memory: WebAssembly.Memory): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as Kernels;
}
