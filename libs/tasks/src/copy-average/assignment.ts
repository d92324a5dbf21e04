import type { Matrix } from "@fedclair/linalg";

/**
 * The assignment of rows to columns of least total cost, by the Hungarian method with shortest augmenting paths
 * (Jonker and Volgenant, 1987), in O(n³).
 * @param cost n×n, finite
 * @returns for every row its column
 */
export function assign(cost: Matrix): number[] {
  const n = cost.rows;
  const rowPrice = new Float64Array(n);
  const columnPrice = new Float64Array(n);
  const rowOf = new Int32Array(n).fill(-1);
  for (let row = 0; row < n; row++) {
    const { end, previous } = shortestPath(cost, row, rowPrice, columnPrice, rowOf);
    // Along the path every row takes the column that leads on, which frees the one it had.
    for (let column = end; column >= 0;) {
      const before = previous[column] ?? -1;
      rowOf[column] = before < 0 ? row : (rowOf[before] ?? -1);
      column = before;
    }
  }
  const columns: number[] = new Array<number>(n).fill(-1);
  rowOf.forEach((row, column) => (columns[row] = column));
  return columns;
}

/** From `row` to a column that no row has yet, at reduced costs ≥ 0; updates the prices. */
function shortestPath(
  cost: Matrix,
  row: number,
  rowPrice: Float64Array,
  columnPrice: Float64Array,
  rowOf: Int32Array,
) {
  const n = cost.rows;
  const distance = new Float64Array(n).fill(Infinity);
  const previous = new Int32Array(n).fill(-1);
  const done: number[] = [];
  let from = -1;
  let at = row;
  let length = 0;
  for (;;) {
    let nearest = -1;
    for (let column = 0; column < n; column++) {
      if (done.includes(column)) continue;
      const reduced = cost.get(at, column) - (rowPrice[at] ?? NaN) - (columnPrice[column] ?? NaN);
      if (length + reduced < (distance[column] ?? NaN)) {
        distance[column] = length + reduced;
        previous[column] = from;
      }
      if (nearest < 0 || (distance[column] ?? NaN) < (distance[nearest] ?? NaN)) nearest = column;
    }
    length = distance[nearest] ?? NaN;
    const owner = rowOf[nearest] ?? -1;
    if (owner < 0) {
      rowPrice[row] = (rowPrice[row] ?? NaN) + length;
      for (const column of done) {
        const gain = length - (distance[column] ?? NaN);
        const holder = rowOf[column] ?? -1;
        rowPrice[holder] = (rowPrice[holder] ?? NaN) + gain;
        columnPrice[column] = (columnPrice[column] ?? NaN) - gain;
      }
      return { end: nearest, previous };
    }
    done.push(nearest);
    from = nearest;
    at = owner;
  }
}
