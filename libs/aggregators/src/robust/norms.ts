import { median, norm, sum } from "@fedclair/linalg";
import { mean, type Vector } from "./coordinates.js";

/** |v - w| */
export function distance(v: Vector, w: Vector): number {
  return norm(minus(v, w));
}

/**
 * The geometric median by smoothed Weiszfeld steps (RFA, Pillutla et al., arXiv 1912.13445), from the mean until the change
 * is below 1e-10 of the vector.
 * @param nu smoothing > 0: distances below it count as it
 */
export function geometricMedian(vectors: readonly Vector[], nu = 1e-6): Float64Array {
  let center = mean(vectors);
  for (let step = 0; step < 10_000; step++) {
    const weights = vectors.map((v) => 1 / Math.max(nu, distance(center, v)));
    const total = sum(weights);
    const next = mean(
      vectors,
      weights.map((w) => w / total),
    );
    const moved = distance(next, center);
    center = next;
    if (moved <= 1e-10 * norm(center)) break;
  }
  return center;
}

/** The mean of the vectors, each cut to the norm `most`: by default to the median norm. */
export function normClip(
  vectors: readonly Vector[],
  most: number = median(vectors.map((v) => norm(v))),
): Float64Array {
  return mean(vectors.map((v) => cut(v, most)));
}

/** Centered clipping (Karimireddy et al., arXiv 2012.10333): from 0, moves by the mean of the differences cut to τ. */
export function centeredClip(vectors: readonly Vector[], tau: number, steps = 3): Float64Array {
  let center = new Float64Array(vectors[0]?.length ?? 0);
  for (let step = 0; step < steps; step++) {
    const move = mean(vectors.map((v) => cut(minus(v, center), tau)));
    center = center.map((x, i) => x + (move[i] ?? NaN));
  }
  return center;
}

/**
 * FLTrust (Cao et al., arXiv 2012.13995): vectors at the server's norm, weighted by their cosine to it, negative ones by 0.
 * @returns the zero vector if nobody is trusted, and everybody's trust
 */
export function fltrust(vectors: readonly Vector[], server: Vector) {
  const length = norm(server);
  const scaled = vectors.map((v) => times(v, length / (norm(v) || 1)));
  const trust = scaled.map((v) => {
    let product = 0;
    for (let i = 0; i < server.length; i++) product += (v[i] ?? NaN) * (server[i] ?? NaN);
    return length === 0 ? 0 : Math.max(0, product / length ** 2);
  });
  const total = sum(trust) || 1;
  return {
    vector: mean(
      scaled,
      trust.map((t) => t / total),
    ),
    trust,
  };
}

function cut(v: Vector, most: number): Float64Array {
  const length = norm(v);
  return times(v, length > most ? most / length : 1);
}

function minus(v: Vector, w: Vector): Float64Array {
  return Float64Array.from(v, (x, i) => x - (w[i] ?? NaN));
}

function times(v: Vector, factor: number): Float64Array {
  return Float64Array.from(v, (x) => factor * x);
}
