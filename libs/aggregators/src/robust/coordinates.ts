import { median } from "@fedclair/linalg";

/** A client's update, flattened. All of one call have the same length. */
export type Vector = ArrayLike<number>;

/** Σ w_k·V_k; the plain mean without weights. */
export function mean(vectors: readonly Vector[], weights?: ArrayLike<number>): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0);
  vectors.forEach((v, k) => {
    const weight = weights?.[k] ?? 1 / vectors.length;
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + weight * (v[i] ?? NaN);
  });
  return out;
}

/** The median of every coordinate (Yin et al., arXiv 1803.01498). */
export function coordinateMedian(vectors: readonly Vector[]): Float64Array {
  return byCoordinate(vectors, median);
}

/**
 * The mean of every coordinate without its floor(β·K) largest and smallest values (Yin et al., arXiv 1803.01498).
 * @param beta in [0, 1/2)
 */
export function trimmedMean(vectors: readonly Vector[], beta: number): Float64Array {
  const dropped = Math.floor(beta * vectors.length);
  return byCoordinate(vectors, (values) => {
    const kept = values.toSorted((x, y) => x - y).slice(dropped, values.length - dropped);
    return kept.reduce((total, x) => total + x, 0) / kept.length;
  });
}

/** The mean of the `count` values of every coordinate that are closest to its median; the first of equally close ones. */
export function meanAroundMedian(vectors: readonly Vector[], count: number): Float64Array {
  return byCoordinate(vectors, (values) => {
    const middle = median(values);
    const closest = values.toSorted((x, y) => Math.abs(x - middle) - Math.abs(y - middle));
    return closest.slice(0, count).reduce((total, x) => total + x, 0) / count;
  });
}

function byCoordinate(
  vectors: readonly Vector[],
  rule: (values: readonly number[]) => number,
): Float64Array {
  return Float64Array.from({ length: vectors[0]?.length ?? 0 }, (_, i) =>
    rule(vectors.map((v) => v[i] ?? NaN)),
  );
}
