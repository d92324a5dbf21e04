import { norm, item } from "@fedclair/linalg";
import { addScaledTo, dotProduct } from "./vectors.js";

/** The QR factors of some columns of a matrix, updated as columns come and go. */
export class ActiveColumns {
  /** Their indices, in the order of the factors. */
  readonly columns: number[] = [];
  /** Orthonormal. */
  readonly #q: Float64Array[] = [];
  /** Columns of the upper triangular R; column k has k + 1 entries that count. */
  readonly #r: number[][] = [];

  /** @returns false, and adds nothing, if the column depends on the others but for rounding */
  add(index: number, column: Float64Array): boolean {
    const rest = column.slice();
    const coefficients = this.#q.map(() => 0);
    // Twice is enough (Parlett and Kahan).
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

  /** The coefficients of the columns whose combination is nearest to b. */
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

/** (x_i, y_j) ← (c·x_i + s·y_j, c·y_j − s·x_i) */
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
