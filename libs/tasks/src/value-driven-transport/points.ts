import { Matrix, type Stream } from "@fedclair/linalg";

/** The distributions in the plane that a trial can name. */
export const distributions = [
  "normal",
  "gaussians8",
  "gaussians8-moved",
  "moons",
  "scurve",
] as const;
export type Distribution = (typeof distributions)[number];

/** Points of a distribution; where it has modes, also which one each comes from. */
export interface Sample {
  /** n×2 */
  readonly points: Matrix;
  readonly modes?: Int32Array;
}

/** A ring of eight normal distributions. */
export interface Ring {
  readonly radius: number;
  /** Radians. */
  readonly rotation: number;
}

export const modeCount = 8;
/** Standard deviation of each mode in both coordinates. */
export const modeDeviation = 0.2;

const rings: Readonly<Partial<Record<Distribution, Ring>>> = {
  gaussians8: { radius: 2, rotation: 0 },
  // What a base that knows gaussians8 is to learn from one update.
  "gaussians8-moved": { radius: 2.4, rotation: 0.25 },
};

/** The ring of a distribution that has modes. */
export function ringOf(distribution: Distribution): Ring | undefined {
  return rings[distribution];
}

/** Centres of the modes, 8×2. */
export function centresOf({ radius, rotation }: Ring): Matrix {
  return Matrix.fromRows(
    Array.from({ length: modeCount }, (_, k) => {
      const angle = rotation + (k * Math.PI) / 4;
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    }),
  );
}

/**
 * Independent points of a distribution (specification, section 8).
 * @param modeShares of the eight modes, for a ring: all alike by default
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
  modeShares: ArrayLike<number> = new Float64Array(modeCount).fill(1 / modeCount),
): Sample {
  const centres = centresOf(ring);
  const modes = Int32Array.from({ length: count }, () => rng.categorical(modeShares));
  const points = drawPoints(count, (i) => {
    const mode = modes[i] ?? NaN;
    const [dx, dy] = normalPair(rng, modeDeviation);
    return [centres.get(mode, 0) + dx, centres.get(mode, 1) + dy];
  });
  return { points, modes };
}

/** n points, n×2. */
export function drawPoints(count: number, draw: (i: number) => readonly [number, number]): Matrix {
  return Matrix.fromRows(Array.from({ length: count }, (_, i) => [...draw(i)]));
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
    out.column(c).forEach((_, k, column) => (column[k] = from[rows[k] ?? NaN] ?? NaN));
  }
  return out;
}
