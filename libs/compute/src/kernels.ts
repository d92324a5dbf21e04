import { kernelBytes } from "#compute-kernels";

/**
 * The exports of `assembly/`, which documents them. Addresses are byte offsets in the memory of the
 * instance; numbers are float32.
 */
export interface Kernels {
  attention(
    q: number,
    k: number,
    v: number,
    sequences: number,
    queries: number,
    positions: number,
    heads: number,
    width: number,
    y: number,
    probabilities: number,
    columns: number,
  ): void;
  attentionGradient(
    q: number,
    k: number,
    v: number,
    sequences: number,
    queries: number,
    positions: number,
    heads: number,
    width: number,
    probabilities: number,
    dy: number,
    dq: number,
    dk: number,
    dv: number,
    room: number,
  ): void;
  inUnits(bytes: number, count: number, units: number): void;
  affine(
    x: number,
    rows: number,
    inputs: number,
    w: number,
    width: number,
    y: number,
    start: number,
    places: number,
  ): void;
  weightGradient(
    x: number,
    rows: number,
    inputs: number,
    dy: number,
    width: number,
    g: number,
    bias: number,
    places: number,
  ): void;
  inputGradient(
    dy: number,
    rows: number,
    width: number,
    w: number,
    inputs: number,
    dx: number,
    across: number,
    read: number,
    isAdded: boolean,
  ): void;
  multiply(
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    bRow: number,
    bColumn: number,
    c: number,
    m: number,
    n: number,
    k: number,
    panel: number,
  ): void;
  normalize(x: number, rows: number, width: number, y: number, scales: number): void;
  normalizeGradient(
    y: number,
    scales: number,
    dy: number,
    rows: number,
    width: number,
    dx: number,
  ): void;
  relu(x: number, count: number): void;
  reluGradient(y: number, dy: number, count: number, dx: number): void;
  descend(value: number, gradient: number, count: number, rate: number): void;
  adam(
    value: number,
    mean: number,
    square: number,
    gradient: number,
    count: number,
    beta1: number,
    beta2: number,
    size: number,
    least: number,
  ): void;
}

const module = new WebAssembly.Module(kernelBytes);

/** Creates kernels that work on the given memory. They do not keep anything in it. */
export function createKernels(memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
