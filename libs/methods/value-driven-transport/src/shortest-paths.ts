import { at, atInt, type Matrix } from "@fedclair/linalg";

/**
 * Costs with prices of rows and columns, such that the reduced cost costs[i][j] - rowPrices[i] -
 * colPrices[j] is ≥ 0.
 */
export class PricedCosts {
  readonly rows: number;
  readonly cols: number;
  readonly rowPrices: Float64Array;
  readonly colPrices: Float64Array;
  /** Stored row by row, because rows are scanned. */
  readonly #costs: Float64Array;

  /**
   * Sets each column's price to its cheapest cost, then each row's price to its cheapest remaining
   * cost.
   */
  constructor(costs: Matrix) {
    this.rows = costs.rows;
    this.cols = costs.cols;
    this.#costs = costs.toRowMajor();
    this.colPrices = Float64Array.from({ length: this.cols }, (_, j) => least(costs.column(j)));
    this.rowPrices = Float64Array.from({ length: this.rows }, (_, i) =>
      this.row(i).reduce((most, cost, j) => Math.min(most, cost - at(this.colPrices, j)), Infinity),
    );
  }

  row(i: number): Float64Array {
    return this.#costs.subarray(i * this.cols, (i + 1) * this.cols);
  }

  /**
   * Returns a column where the row's reduced cost is zero. The initial prices ensure that there is
   * one.
   */
  cheapest(i: number): number {
    const price = at(this.rowPrices, i);
    return this.row(i).findIndex((cost, j) => cost - at(this.colPrices, j) <= price);
  }
}

/**
 * Dijkstra's search from one row over columns, by reduced costs. A row is reached at the distance
 * of a settled column.
 */
export class ShortestPaths {
  readonly #costs: PricedCosts;
  readonly #distance: Float64Array;
  /** The row from which each column is reached. */
  readonly #from: Int32Array;
  /**
   * For each reached row, the column through which it is reached (-1 for the first row) and its
   * distance.
   */
  readonly #reached = new Map<number, { readonly by: number; readonly distance: number }>();
  /** The first `#open` columns are open; the settled ones follow them. */
  readonly #columns: Int32Array;
  #open: number;
  /** Position in `#columns` of the nearest open column; undefined if it is not known. */
  #nearest: number | undefined;

  constructor(costs: PricedCosts, source: number) {
    this.#costs = costs;
    this.#open = costs.cols;
    this.#distance = new Float64Array(costs.cols).fill(Infinity);
    this.#from = new Int32Array(costs.cols);
    this.#columns = Int32Array.from({ length: costs.cols }, (_, j) => j);
    this.reach(source, -1, 0);
  }

  /**
   * Continues the search from a row.
   * @param by the column to which the row sends mass, settled at `distance`
   */
  reach(row: number, by: number, distance: number): void {
    if (this.#reached.has(row)) return;
    this.#reached.set(row, { by, distance });
    const offset = distance - at(this.#costs.rowPrices, row);
    this.#nearest = this.#scan(row, this.#costs.row(row), offset);
  }

  /**
   * Shortens distances through a row. A search spends all its time here.
   * @returns the position of the nearest open column
   */
  #scan(row: number, costs: Float64Array, offset: number): number {
    const [distance, columns, from] = [this.#distance, this.#columns, this.#from];
    const { colPrices } = this.#costs;
    let least = Infinity;
    let nearest = 0;
    for (let k = 0; k < this.#open; k++) {
      const j = columns[k] ?? 0;
      const through = offset + (costs[j] ?? 0) - (colPrices[j] ?? 0);
      let shortest = distance[j] ?? 0;
      if (through < shortest) {
        distance[j] = shortest = through;
        from[j] = row;
      }
      if (shortest < least) {
        least = shortest;
        nearest = k;
      }
    }
    return nearest;
  }

  /** Settles the nearest open column and returns it; undefined if no column is open. */
  settle(): { readonly column: number; readonly distance: number } | undefined {
    if (this.#open === 0) return undefined;
    const nearest = this.#nearest ?? this.#findNearest();
    this.#nearest = undefined;
    const column = atInt(this.#columns, nearest);
    this.#open--;
    this.#columns[nearest] = atInt(this.#columns, this.#open);
    this.#columns[this.#open] = column;
    return { column, distance: at(this.#distance, column) };
  }

  /**
   * Needed only if all senders of a settled column had already been reached, which does not occur
   * with unit masses.
   */
  #findNearest(): number {
    const open = this.#columns.subarray(0, this.#open);
    const distances = Float64Array.from(open, (j) => at(this.#distance, j));
    return distances.indexOf(least(distances));
  }

  /**
   * Moves the prices so that reduced costs along the path to `distance` become zero and none
   * becomes negative.
   */
  reprice(distance: number): void {
    const { rowPrices, colPrices } = this.#costs;
    for (const j of this.#columns.subarray(this.#open)) {
      colPrices[j] = at(colPrices, j) + at(this.#distance, j) - distance;
    }
    for (const [i, row] of this.#reached) {
      rowPrices[i] = at(rowPrices, i) + distance - row.distance;
    }
  }

  /**
   * Walks from a settled column back to the source. Yields each row, the column to which it should
   * send, and the one to which it sends now.
   */
  *pathTo(column: number): Generator<{ row: number; to: number; instead: number }> {
    for (let to = column; to >= 0;) {
      const row = atInt(this.#from, to);
      const instead = this.#reached.get(row)?.by ?? -1;
      yield { row, to, instead };
      to = instead;
    }
  }
}

function least(values: Float64Array): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}
