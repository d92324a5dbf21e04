import { at, type Matrix } from "@fedclair/linalg";

/**
 * Finds the assignment of rows to columns with the least total cost, by the Hungarian method with
 * shortest augmenting paths (Jonker and Volgenant, 1987), in O(n³).
 * @param cost n×n, finite
 * @returns the column of each row
 */
export function assign(cost: Matrix): number[] {
  const n = cost.rows;
  const rowPrice = new Float64Array(n);
  const columnPrice = new Float64Array(n);
  const rowOfColumn = new Int32Array(n).fill(-1);
  for (let row = 0; row < n; row++) {
    const { end, previous } = findShortestPath(cost, row, rowPrice, columnPrice, rowOfColumn);
    // Along the path, every row takes the next column and releases the one that it had.
    for (let column = end; column >= 0;) {
      const before = previous[column] ?? -1;
      rowOfColumn[column] = before < 0 ? row : (rowOfColumn[before] ?? -1);
      column = before;
    }
  }
  const columns: number[] = new Array<number>(n).fill(-1);
  rowOfColumn.forEach((row, column) => (columns[row] = column));
  return columns;
}

/**
 * Finds the shortest path from `row` to a column without a row, at reduced costs ≥ 0, and updates
 * the prices.
 */
function findShortestPath(
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
  let index = row;
  let length = 0;
  for (;;) {
    let nearest = -1;
    for (let column = 0; column < n; column++) {
      if (done.includes(column)) continue;
      const reduced = cost.get(index, column) - at(rowPrice, index) - at(columnPrice, column);
      if (length + reduced < at(distance, column)) {
        distance[column] = length + reduced;
        previous[column] = from;
      }
      if (nearest < 0 || at(distance, column) < at(distance, nearest)) nearest = column;
    }
    length = at(distance, nearest);
    const owner = rowOf[nearest] ?? -1;
    if (owner < 0) {
      rowPrice[row] = at(rowPrice, row) + length;
      for (const column of done) {
        const gain = length - at(distance, column);
        const holder = rowOf[column] ?? -1;
        rowPrice[holder] = at(rowPrice, holder) + gain;
        columnPrice[column] = at(columnPrice, column) - gain;
      }
      return { end: nearest, previous };
    }
    done.push(nearest);
    from = nearest;
    index = owner;
  }
}
