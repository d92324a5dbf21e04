import { Matrix, type Stream, item } from "@fedclair/linalg";
import type { TableSource } from "@fedclair/tasks/shared";

/** The distributions in the plane that a trial can name. */
export const distributions = [
  "normal",
  "gaussians8",
  "gaussians8-moved",
  "moons",
  "scurve",
] as const;

/** A ring of evenly spaced normal distributions with the same deviation. */
export interface Ring {
  /** Number of modes, at least 1. */
  readonly modes: number;
  readonly radius: number;
  /** Angle of the first mode in radians, counter-clockwise from the first axis. */
  readonly rotation: number;
  /** Standard deviation of each mode in both coordinates. */
  readonly deviation: number;
}

/** A distribution that can be sampled. */
export type Distribution = (typeof distributions)[number] | Ring;

/** The user's own points. */
export interface PointTable extends TableSource {
  readonly columns: {
    /** The columns with the coordinates; undefined for all that are not named otherwise. */
    readonly point?: readonly string[] | undefined;
    /** The column with the class of a point. */
    readonly label?: string | undefined;
    readonly client?: string | undefined;
  };
}

/** A source or target of a trial. */
type PointSource = Distribution | PointTable;

export function isTable(place: PointSource): place is PointTable {
  return typeof place === "object" && "columns" in place;
}

/**
 * Points of a distribution and, if it has modes, the mode of each point. The classes of the user's
 * own points are modes too.
 */
export interface Sample {
  /** n×d, where d is 2 unless the points are the user's own */
  readonly points: Matrix;
  readonly modes?: Modes;
}

export interface Modes {
  /** Number of modes of the distribution. */
  readonly count: number;
  /** The mode of each point, 0 … count - 1. */
  readonly of: Int32Array;
}

/** Eight modes whose points are of unit order, as in every measured setting. */
const gaussians8: Ring = { modes: 8, radius: 2, rotation: 0, deviation: 0.2 };

const rings: ReadonlyMap<Distribution, Ring> = new Map<Distribution, Ring>([
  ["gaussians8", gaussians8],
  // The target that a base trained on gaussians8 has to learn from one update.
  ["gaussians8-moved", { ...gaussians8, radius: 2.4, rotation: 0.25 }],
]);

/** Returns the ring of a distribution that has modes. */
export function ringOf(place: PointSource): Ring | undefined {
  if (typeof place === "string") return rings.get(place);
  return isTable(place) ? undefined : place;
}

/** Returns `gaussians8` with the number and width of a distribution's modes. */
export function ringLike(distribution: PointSource): Ring {
  const { modes, deviation } = ringOf(distribution) ?? gaussians8;
  return { ...gaussians8, modes, deviation };
}

/** Returns the centres of the modes, modes×2. */
export function centresOf({ modes, radius, rotation }: Ring): Matrix {
  return Matrix.fromRows(
    Array.from({ length: modes }, (_, k) => {
      const angle = rotation + (2 * k * Math.PI) / modes;
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    }),
  );
}

/**
 * Draws independent points of a distribution.
 * @param modeShares shares of a ring's modes, equal by default
 */
export function drawSample(
  distribution: Distribution,
  count: number,
  rng: Stream,
  modeShares?: ArrayLike<number>,
): Sample {
  const ring = ringOf(distribution);
  if (ring) return drawRing(ring, count, rng, modeShares);
  return { points: drawPoints(count, () => drawPoint(distribution, rng)) };
}

export function drawRing(
  ring: Ring,
  count: number,
  rng: Stream,
  modeShares: ArrayLike<number> = new Float64Array(ring.modes).fill(1 / ring.modes),
): Sample {
  const centres = centresOf(ring);
  const of = Int32Array.from({ length: count }, () => rng.categorical(modeShares));
  const points = drawPoints(count, (i) => {
    const mode = item(of, i);
    const [dx, dy] = drawNormalPair(rng, ring.deviation);
    return [centres.get(mode, 0) + dx, centres.get(mode, 1) + dy];
  });
  return { points, modes: { count: ring.modes, of } };
}

/** Draws n points, n×d. */
export function drawPoints(
  count: number,
  draw: (i: number) => readonly number[],
  dimensions = 2,
): Matrix {
  const points = new Matrix(count, dimensions);
  for (let i = 0; i < count; i++) {
    draw(i).forEach((x, c) => (points.data[c * count + i] = x));
  }
  return points;
}

function drawPoint(distribution: Distribution, rng: Stream): readonly [number, number] {
  if (distribution === "moons") return drawMoonPoint(rng);
  if (distribution === "scurve") return drawScurvePoint(rng);
  return drawNormalPair(rng, 1);
}

function drawMoonPoint(rng: Stream): readonly [number, number] {
  const upper = rng.uniform() < 0.5;
  const angle = Math.PI * rng.uniform();
  const [dx, dy] = drawNormalPair(rng, 0.1);
  const x = upper ? Math.cos(angle) : 1 - Math.cos(angle);
  const y = upper ? Math.sin(angle) : 0.5 - Math.sin(angle);
  return [1.5 * (x + dx - 0.5), 1.5 * (y + dy - 0.25)];
}

function drawScurvePoint(rng: Stream): readonly [number, number] {
  const u = 3 * Math.PI * (rng.uniform() - 0.5);
  const [dx, dy] = drawNormalPair(rng, 0.1);
  return [Math.sin(u) + dx, Math.sign(u) * (Math.cos(u) - 1) + dy];
}

function drawNormalPair(rng: Stream, deviation: number): readonly [number, number] {
  return [deviation * rng.normal(), deviation * rng.normal()];
}

/** Selects rows of a matrix in the given order. */
export function pickRows(points: Matrix, rows: ArrayLike<number>): Matrix {
  const out = new Matrix(rows.length, points.cols);
  for (let c = 0; c < out.cols; c++) {
    const from = points.column(c);
    out.column(c).forEach((_, k, column) => (column[k] = item(from, item(rows, k))));
  }
  return out;
}
