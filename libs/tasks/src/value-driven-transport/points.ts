import { Matrix, type Stream, item } from "@fedclair/linalg";

/** The distributions in the plane that a trial can name. */
export const distributions = [
  "normal",
  "gaussians8",
  "gaussians8-moved",
  "moons",
  "scurve",
] as const;

/** A ring of normal distributions, evenly spaced and alike. */
export interface Ring {
  /** How many, at least 1. */
  readonly modes: number;
  readonly radius: number;
  /** Of the first mode, counter-clockwise from the first axis, radians. */
  readonly rotation: number;
  /** Standard deviation of each mode in both coordinates. */
  readonly deviation: number;
}

export type Distribution = (typeof distributions)[number] | Ring;

/** Points of a distribution; where it has modes, also which one each comes from. */
export interface Sample {
  /** n×2 */
  readonly points: Matrix;
  readonly modes?: Modes;
}

export interface Modes {
  /** How many the distribution has. */
  readonly count: number;
  /** By point its mode, 0 … count - 1. */
  readonly of: Int32Array;
}

/** Eight modes where points are of unit order: what every measured setting is for. */
const gaussians8: Ring = { modes: 8, radius: 2, rotation: 0, deviation: 0.2 };

const rings: ReadonlyMap<Distribution, Ring> = new Map<Distribution, Ring>([
  ["gaussians8", gaussians8],
  // What a base that knows gaussians8 is to learn from one update.
  ["gaussians8-moved", { ...gaussians8, radius: 2.4, rotation: 0.25 }],
]);

/** The ring of a distribution that has modes. */
export function ringOf(distribution: Distribution): Ring | undefined {
  return typeof distribution === "object" ? distribution : rings.get(distribution);
}

/** `gaussians8`, but with as many modes as a distribution has, and as wide ones. */
export function ringLike(distribution: Distribution): Ring {
  const { modes, deviation } = ringOf(distribution) ?? gaussians8;
  return { ...gaussians8, modes, deviation };
}

/** Centres of the modes, modes×2. */
export function centresOf({ modes, radius, rotation }: Ring): Matrix {
  return Matrix.fromRows(
    Array.from({ length: modes }, (_, k) => {
      const angle = rotation + (2 * k * Math.PI) / modes;
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    }),
  );
}

/**
 * Independent points of a distribution.
 * @param modeShares of a ring's modes: all alike by default
 */
export function drawSample(
  distribution: Distribution,
  count: number,
  rng: Stream,
  modeShares?: ArrayLike<number>,
): Sample {
  const ring = ringOf(distribution);
  if (ring) return drawRing(ring, count, rng, modeShares);
  return { points: drawPoints(count, () => pointOf(distribution, rng)) };
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
    const [dx, dy] = normalPair(rng, ring.deviation);
    return [centres.get(mode, 0) + dx, centres.get(mode, 1) + dy];
  });
  return { points, modes: { count: ring.modes, of } };
}

/** n points, n×2. */
export function drawPoints(count: number, draw: (i: number) => readonly [number, number]): Matrix {
  const points = new Matrix(count, 2);
  for (let i = 0; i < count; i++) [points.data[i], points.data[count + i]] = draw(i);
  return points;
}

function pointOf(distribution: Distribution, rng: Stream): readonly [number, number] {
  if (distribution === "moons") return moon(rng);
  if (distribution === "scurve") return scurve(rng);
  return normalPair(rng, 1);
}

function moon(rng: Stream): readonly [number, number] {
  const upper = rng.uniform() < 0.5;
  const angle = Math.PI * rng.uniform();
  const [dx, dy] = normalPair(rng, 0.1);
  const x = upper ? Math.cos(angle) : 1 - Math.cos(angle);
  const y = upper ? Math.sin(angle) : 0.5 - Math.sin(angle);
  return [1.5 * (x + dx - 0.5), 1.5 * (y + dy - 0.25)];
}

function scurve(rng: Stream): readonly [number, number] {
  const u = 3 * Math.PI * (rng.uniform() - 0.5);
  const [dx, dy] = normalPair(rng, 0.1);
  return [Math.sin(u) + dx, Math.sign(u) * (Math.cos(u) - 1) + dy];
}

export function normalPair(rng: Stream, deviation: number): readonly [number, number] {
  return [deviation * rng.normal(), deviation * rng.normal()];
}

/** Rows of a matrix, in the given order. */
export function pickRows(points: Matrix, rows: ArrayLike<number>): Matrix {
  const out = new Matrix(rows.length, points.cols);
  for (let c = 0; c < out.cols; c++) {
    const from = points.column(c);
    out.column(c).forEach((_, k, column) => (column[k] = item(from, item(rows, k))));
  }
  return out;
}
