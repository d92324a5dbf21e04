import { readFileSync } from "node:fs";

/** What `assembly/` exports: see there. Addresses are byte offsets in `memory`; numbers are float32. */
interface Kernels {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  release(address: number): void;
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
  relu(x: number, count: number): void;
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

const module = new WebAssembly.Module(
  readFileSync(new URL("../../gen/compute.wasm", import.meta.url)),
);

function abort(): never {
  throw new RangeError("the kernels' memory of 4 GiB does not suffice: take smaller batches");
}

export const kernels = new WebAssembly.Instance(module, { env: { abort } })
  .exports as unknown as Kernels;
