import { readFileSync } from "node:fs";

/** The compiled kernels of `assembly/`. */
export const kernelBytes: Uint8Array<ArrayBuffer> = new Uint8Array(
  readFileSync(new URL(import.meta.resolve("#linalg.wasm"))),
);
