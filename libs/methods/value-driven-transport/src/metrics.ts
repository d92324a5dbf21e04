import { Matrix, norm, stream, sum, at } from "@fedclair/linalg";
import { optimalTransport } from "./optimal-transport.js";

/**
 * Computes |x_i - y_j|².
 * @param x n×d
 * @param y m×d
 * @returns n×m
 */
export function squaredDistances(x: Matrix, y: Matrix): Matrix {
  if (x.cols !== y.cols) {
    throw new RangeError(`points in ${x.cols} and ${y.cols} dimensions have no distance`);
  }
  const out = new Matrix(x.rows, y.rows);
  for (let c = 0; c < x.cols; c++) {
    const from = x.column(c);
    const to = y.column(c);
    for (let j = 0, t = 0; j < y.rows; j++) {
      for (let i = 0; i < x.rows; i++, t++) {
        const difference = at(from, i) - at(to, j);
        out.data[t] = at(out.data, t) + difference * difference;
      }
    }
  }
  return out;
}

/**
 * Computes W2², the exact squared Wasserstein distance between two samples with equal weights
 * within each.
 * @param x n×d
 * @param y m×d
 */
export async function squaredW2(x: Matrix, y: Matrix): Promise<number> {
  // The total mass is n·m units, because whole numbers keep the bookkeeping exact.
  const supply = new Float64Array(x.rows).fill(y.rows);
  const demand = new Float64Array(y.rows).fill(x.rows);
  const { cost } = await optimalTransport(squaredDistances(x, y), supply, demand);
  return cost / (x.rows * y.rows);
}

/**
 * Computes sliced W2: the root of the mean squared W2 of projections on directions. In the plane
 * these have the angles πk/directions; elsewhere they are random, and always the same.
 * @param x n×d
 * @param y n×d
 */
export function slicedW2(x: Matrix, y: Matrix, directions = 32): number {
  const squares = listDirections(x.cols, directions).map((direction) => {
    const [a, b] = [project(x, direction), project(y, direction)];
    return computeMean(a.map((value, i) => (value - at(b, i)) ** 2));
  });
  return Math.sqrt(computeMean(Float64Array.from(squares)));
}

/** Lists unit vectors. */
function listDirections(dimensions: number, count: number): readonly Float64Array[] {
  if (dimensions === 2) {
    return Array.from({ length: count }, (_, k) => {
      const angle = (Math.PI * k) / count;
      return Float64Array.of(Math.cos(angle), Math.sin(angle));
    });
  }
  const rng = stream("sliced W2").at(dimensions);
  return Array.from({ length: count }, () => {
    const direction = rng.normals(dimensions);
    const length = norm(direction);
    return direction.map((x) => x / length);
  });
}

/** Returns the sorted coordinates of points along a direction. */
function project(points: Matrix, direction: Float64Array): Float64Array {
  const along = points.column(0).map((x) => at(direction, 0) * x);
  for (let c = 1; c < points.cols; c++) {
    const column = points.column(c);
    for (let i = 0; i < along.length; i++) {
      along[i] = at(along, i) + at(direction, c) * at(column, i);
    }
  }
  return along.sort();
}

/**
 * Computes K·Σ_h |x_{h+1} - x_h|², averaged over points. It is |x_K - x_0|² on straight paths of
 * constant speed.
 * @param path K + 1 states of n×d
 */
export function pathEnergy(path: readonly Matrix[]): number {
  const steps = path.slice(1).map((x, h) => displacement(path[h] ?? x, x));
  return steps.length * sum(steps);
}

/** Computes the mean of |y_i - x_i|². */
export function displacement(x: Matrix, y: Matrix): number {
  return sum(x.data.map((value, i) => (at(y.data, i) - value) ** 2)) / x.rows;
}

/** Computes path energy over the energy of straight paths: at least 1. */
export function straightness(path: readonly Matrix[]): number {
  const [start, end] = findEnds(path);
  return pathEnergy(path) / displacement(start, end);
}

/**
 * Computes the mean |x_K - x_0|² over W2² of starts and ends: at least 1, and 1 if the pairing is
 * an optimal assignment.
 */
export async function optimality(path: readonly Matrix[]): Promise<number> {
  const [start, end] = findEnds(path);
  return displacement(start, end) / (await squaredW2(start, end));
}

export interface Coverage {
  /** For each centre, the share of points that are nearest to it and within the radius. */
  readonly share: readonly number[];
  /** Number of centres with at least the minimum share. */
  readonly covered: number;
  /** Share of points within the radius of a centre. */
  readonly inside: number;
}

/**
 * Assigns points to centres and counts the covered centres.
 * @param centres k×d
 * @param radius of a mode, three standard deviations
 * @param leastShare minimum share of a covered centre
 */
export function modeCoverage(
  points: Matrix,
  centres: Matrix,
  radius: number,
  leastShare: number,
): Coverage {
  const counts = new Float64Array(centres.rows);
  for (const { centre, distance } of nearestCentres(points, centres)) {
    if (distance <= radius) counts[centre] = at(counts, centre) + 1;
  }
  const share = Array.from(counts, (count) => count / points.rows);
  return {
    share,
    covered: share.filter((s) => s >= leastShare).length,
    inside: sum(counts) / points.rows,
  };
}

/** Finds the nearest centre of every point. */
export function nearestCentres(points: Matrix, centres: Matrix) {
  return squaredDistances(centres, points)
    .transpose()
    .toRows()
    .map((squares) => {
      const least = Math.min(...squares);
      return { centre: squares.indexOf(least), distance: Math.sqrt(least) };
    });
}

/**
 * Computes mean V_0(x_i) - mean_j max_i (V_0(x_i) - |x_i - y_j|²/2), a lower bound of W2²/2 for any
 * V_0 (semi-dual optimal transport).
 * @param v0 n values
 * @param x n×d
 * @param y m×d
 */
export function dualCertificate(v0: Float64Array, x: Matrix, y: Matrix): number {
  const squares = squaredDistances(x, y);
  const best = Float64Array.from({ length: y.rows }, (_, j) =>
    squares.column(j).reduce((most, s, i) => Math.max(most, at(v0, i) - s / 2), -Infinity),
  );
  return computeMean(v0) - computeMean(best);
}

function findEnds(path: readonly Matrix[]): readonly [Matrix, Matrix] {
  const [start, end] = [path[0], path.at(-1)];
  if (!start || !end || path.length < 2) throw new RangeError("a path has at least two states");
  return [start, end];
}

function computeMean(numbers: Float64Array): number {
  return sum(numbers) / numbers.length;
}
