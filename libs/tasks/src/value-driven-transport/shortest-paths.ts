import { at, atInt, type Matrix } from "@fedclair/linalg";

/** Costs with prices of rows and columns such that costs[i][j] - rowPrices[i] - colPrices[j], the reduced cost, is ≥ 0. */
export class PricedCosts {
  readonly rows: number;
  readonly cols: number;
  readonly rowPrices: Float64Array;
  readonly colPrices: Float64Array;
  /** Row by row, since rows are scanned. */
  readonly #costs: Float64Array;

  /** Prices columns by the row that is cheapest for them, then rows likewise. */
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

  /** The column where a row's reduced cost is zero: prices are such that there is one. */
  cheapest(i: number): number {
    const price = at(this.rowPrices, i);
    return this.row(i).findIndex((cost, j) => cost - at(this.colPrices, j) <= price);
  }
}

/** Dijkstra's search from one row over columns, by reduced costs. Rows are reached at the distance of a settled column. */
export class ShortestPaths {
  readonly #costs: PricedCosts;
  readonly #distance: Float64Array;
  /** By column, the row from which it is reached. */
  readonly #from: Int32Array;
  /** By reached row, the column that it is reached by (-1: the search starts there) and its distance. */
  readonly #reached = new Map<number, { readonly by: number; readonly distance: number }>();
  /** The first `#open` columns are open; settled ones gather behind them. */
  readonly #columns: Int32Array;
  #open: number;
  /** Where in `#columns` the nearest open one stands; undefined: not known. */
  #nearest: number | undefined;

  constructor(costs: PricedCosts, source: number) {
    this.#costs = costs;
    this.#open = costs.cols;
    this.#distance = new Float64Array(costs.cols).fill(Infinity);
    this.#from = new Int32Array(costs.cols);
    this.#columns = Int32Array.from({ length: costs.cols }, (_, j) => j);
    this.reach(source, -1, 0);
  }

  /** Goes on from a row. @param by the column that it sends mass to, settled at `distance` */
  reach(row: number, by: number, distance: number): void {
    if (this.#reached.has(row)) return;
    this.#reached.set(row, { by, distance });
    const offset = distance - at(this.#costs.rowPrices, row);
    this.#nearest = this.#scan(row, this.#costs.row(row), offset);
  }

  /** Shortens distances by way of a row. All of a search's time goes here. @returns where the nearest open column stands */
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

  /** The nearest open column, which is then settled; undefined if none is left. */
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

  /** Needed only where a settled column's senders had all been reached before: never with unit masses. */
  #findNearest(): number {
    const open = this.#columns.subarray(0, this.#open);
    const distances = Float64Array.from(open, (j) => at(this.#distance, j));
    return distances.indexOf(least(distances));
  }

  /** Moves the prices so that reduced costs along the path to `distance` become zero and none becomes negative. */
  reprice(distance: number): void {
    const { rowPrices, colPrices } = this.#costs;
    for (const j of this.#columns.subarray(this.#open)) {
      colPrices[j] = at(colPrices, j) + at(this.#distance, j) - distance;
    }
    for (const [i, row] of this.#reached) {
      rowPrices[i] = at(rowPrices, i) + distance - row.distance;
    }
  }

  /** From a settled column back to the source: each row, the column it is to send to, and the one it sends to now. */
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
