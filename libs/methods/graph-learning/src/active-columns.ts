import { norm, item } from "@fedclair/linalg";
import { addScaledTo, dotProduct } from "./vectors.js";

/** The QR factors of some columns of a matrix, updated as columns are added and removed. */
export class ActiveColumns {
  /** Indices of the columns, in the order of the factors. */
  readonly columns: number[] = [];
  /** Columns of the orthonormal factor Q. */
  readonly #q: Float64Array[] = [];
  /** Columns of the upper triangular R; column k has k + 1 entries. */
  readonly #r: number[][] = [];

  /**
   * Adds a column.
   * @returns false, without adding it, if the column depends on the others up to rounding
   */
  add(index: number, column: Float64Array): boolean {
    const rest = column.slice();
    const coefficients = this.#q.map(() => 0);
    // Two passes are enough (Parlett and Kahan).
    for (let pass = 0; pass < 2; pass++) {
      this.#q.forEach((q, k) => {
        const projection = dotProduct(q, rest);
        coefficients[k] = item(coefficients, k) + projection;
        addScaledTo(rest, -projection, q);
      });
    }
    const length = norm(rest);
    if (length <= 1e-13 * norm(column)) return false;
    this.columns.push(index);
    this.#q.push(rest.map((x) => x / length));
    this.#r.push([...coefficients, length]);
    return true;
  }

  /** Removes the k-th of `columns`; Givens rotations bring R back to triangular form. */
  remove(k: number): void {
    this.columns.splice(k, 1);
    this.#r.splice(k, 1);
    for (let i = k; i < this.#r.length; i++) this.#rotate(i);
    this.#q.pop();
  }

  /** Solves for the coefficients whose combination of the columns is nearest to b. */
  solve(b: Float64Array): number[] {
    const x = this.#q.map((q) => dotProduct(q, b));
    for (let k = x.length - 1; k >= 0; k--) {
      const column = this.#r[k] ?? [];
      const value = item(x, k) / item(column, k);
      x[k] = value;
      for (let i = 0; i < k; i++) x[i] = item(x, i) - value * item(column, i);
    }
    return x;
  }

  /** Rotates rows i and i + 1, so that R loses its entry below the diagonal in column i. */
  #rotate(i: number): void {
    const [a = 0, b = 0] = (this.#r[i] ?? []).slice(i);
    const length = Math.hypot(a, b);
    const cos = a / length;
    const sin = b / length;
    for (const column of this.#r.slice(i)) rotatePair(column, i, column, i + 1, cos, sin);
    this.#r[i]?.pop();
    const first = this.#q[i] ?? new Float64Array();
    const second = this.#q[i + 1] ?? new Float64Array();
    for (let j = 0; j < first.length; j++) rotatePair(first, j, second, j, cos, sin);
  }
}

/** Computes (x_i, y_j) ← (c·x_i + s·y_j, c·y_j − s·x_i). */
function rotatePair(
  x: number[] | Float64Array,
  i: number,
  y: number[] | Float64Array,
  j: number,
  cos: number,
  sin: number,
): void {
  const a = item(x, i);
  const b = item(y, j);
  x[i] = cos * a + sin * b;
  y[j] = cos * b - sin * a;
}
