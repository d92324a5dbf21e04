import { Matrix } from "./matrix.js";
import type { Stream } from "./stream.js";

/** A rows×cols matrix of independent N(0, scale²) entries. */
export function gaussian(rng: Stream, rows: number, cols: number, scale = 1): Matrix {
  return new Matrix(rows, cols, rng.normals(rows * cols, scale));
}
