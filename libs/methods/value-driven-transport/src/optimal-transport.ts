import { setImmediate } from "node:timers/promises";
import { sum, type Matrix, at, item } from "@fedclair/linalg";
import { PricedCosts, ShortestPaths } from "./shortest-paths.js";

/** A cheapest way to move mass from m places to n places. */
interface TransportPlan {
  /** Σ mass · cost over all moved mass. */
  readonly cost: number;
  /**
   * Kantorovich potentials: rowPrices[i] + colPrices[j] ≤ costs[i][j], with equality where mass
   * moves.
   */
  readonly rowPrices: Float64Array;
  readonly colPrices: Float64Array;
  /** The moved mass by column, then by row. */
  readonly moved: readonly ReadonlyMap<number, number>[];
}

/** Rows between two yields to the event loop: about ten milliseconds at 2000×2000. */
const rowsPerYield = 8;

/**
 * Solves the transportation problem exactly by successive shortest paths. With unit masses this is
 * the assignment algorithm of Jonker and Volgenant (Computing 38, 1987) without its augmenting row
 * reduction. Yields to the event loop.
 * @param costs m×n, finite
 * @param supply m masses ≥ 0
 * @param demand n masses ≥ 0 with the same sum
 * @throws RangeError if masses or costs do not fit
 */
export async function optimalTransport(
  costs: Matrix,
  supply: ArrayLike<number>,
  demand: ArrayLike<number>,
): Promise<TransportPlan> {
  check(costs, supply, demand);
  const priced = new PricedCosts(costs);
  const masses = new Masses(supply, demand);
  for (let row = 0; row < costs.rows; row++) masses.move(row, priced.cheapest(row));
  for (let row = 0; row < costs.rows; row++) {
    while (masses.hasSupply(row)) augment(priced, masses, row);
    if (row % rowsPerYield === 0) await setImmediate();
  }
  const { rowPrices, colPrices } = priced;
  return { cost: masses.cost(priced), rowPrices, colPrices, moved: masses.moved };
}

/**
 * Finds the cheapest assignment of rows to columns.
 * @param costs n×n, finite
 * @returns the row of each column
 */
export async function assignExactly(costs: Matrix): Promise<Int32Array> {
  const ones = new Float64Array(costs.rows).fill(1);
  const { moved } = await optimalTransport(costs, ones, ones);
  return Int32Array.from(moved, (senders) => [...senders.keys()][0] ?? -1);
}

/**
 * Moves mass from a row to the nearest column with demand. Rows on the path send their mass
 * elsewhere instead.
 */
function augment(costs: PricedCosts, masses: Masses, source: number): void {
  const paths = new ShortestPaths(costs, source);
  for (let next = paths.settle(); next; next = paths.settle()) {
    const { column, distance } = next;
    if (masses.hasDemand(column)) {
      paths.reprice(distance);
      masses.reroute([...paths.pathTo(column)]);
      return;
    }
    for (const sender of masses.sendersTo(column)) paths.reach(sender, column, distance);
  }
  // All demand is met up to rounding, so all supply is used up to rounding.
  masses.discard(source);
}

/** The remaining supply and demand, and the mass that has been moved. */
class Masses {
  readonly #supply: Float64Array;
  readonly #demand: Float64Array;
  /** Moved mass by column, then by row. */
  readonly moved: readonly Map<number, number>[];
  /** Masses up to this value are rounding errors. */
  readonly #negligible: number;

  constructor(supply: ArrayLike<number>, demand: ArrayLike<number>) {
    this.#supply = Float64Array.from(supply);
    this.#demand = Float64Array.from(demand);
    this.moved = Array.from(this.#demand, () => new Map<number, number>());
    this.#negligible = 1e-13 * sum(supply);
  }

  hasSupply(row: number): boolean {
    return at(this.#supply, row) > this.#negligible;
  }

  hasDemand(column: number): boolean {
    return at(this.#demand, column) > this.#negligible;
  }

  sendersTo(column: number): Iterable<number> {
    return this.moved[column]?.keys() ?? [];
  }

  discard(row: number): void {
    this.#supply[row] = 0;
  }

  /** Moves as much mass as row and column allow. */
  move(row: number, column: number): void {
    if (this.hasSupply(row) && this.hasDemand(column)) {
      this.reroute([{ row, to: column, instead: -1 }]);
    }
  }

  /**
   * Moves mass along a path.
   * @param path from the column with demand back to the row with supply, as `ShortestPaths.pathTo`
   * yields it
   */
  reroute(path: readonly { row: number; to: number; instead: number }[]): void {
    const source = path.at(-1)?.row ?? NaN;
    const target = item(path, 0).to;
    const bounds = path.map(({ row, instead }) => this.moved[instead]?.get(row) ?? Infinity);
    const mass = Math.min(at(this.#supply, source), at(this.#demand, target), ...bounds);
    this.#supply[source] = at(this.#supply, source) - mass;
    this.#demand[target] = at(this.#demand, target) - mass;
    for (const { row, to, instead } of path) {
      this.#change(to, row, mass);
      if (instead >= 0) this.#change(instead, row, -mass);
    }
  }

  #change(column: number, row: number, by: number): void {
    const senders = this.moved[column];
    const mass = (senders?.get(row) ?? 0) + by;
    if (mass > this.#negligible) senders?.set(row, mass);
    else senders?.delete(row);
  }

  cost(costs: PricedCosts): number {
    return sum(
      this.moved.flatMap((senders, column) =>
        [...senders].map(([row, mass]) => mass * at(costs.row(row), column)),
      ),
    );
  }
}

function check(costs: Matrix, supply: ArrayLike<number>, demand: ArrayLike<number>): void {
  const [m, n] = [supply.length, demand.length];
  if (costs.rows !== m || costs.cols !== n) {
    throw new RangeError(`costs are ${costs.rows}×${costs.cols}, the masses ask for ${m}×${n}`);
  }
  const masses = [...Array.from(supply), ...Array.from(demand)];
  if (!masses.every((mass) => mass >= 0) || !costs.data.every(Number.isFinite)) {
    throw new RangeError("expected masses of at least 0, and finite costs");
  }
  const [totalSupply, totalDemand] = [sum(supply), sum(demand)];
  if (Math.abs(totalSupply - totalDemand) > 1e-9 * Math.max(totalSupply, totalDemand)) {
    throw new RangeError(`expected equal total masses, got ${totalSupply} and ${totalDemand}`);
  }
}
