import { median, type Matrix } from "@fedclair/linalg";
import { type Numbers, readNumbers } from "@fedclair/core";
import { weightedSum } from "../mean.js";
import { iterateMixedBlocks, vectorToTensor, type Changes } from "./blocks.js";
import { centeredClipWeights, normClipWeights, computeNorms } from "./clipping.js";
import {
  applyByCoordinate,
  createMeanNearMedian,
  medianOf,
  createTrimmedMean,
} from "./coordinates.js";
import { geometricMedianWeights } from "./geometric-median.js";
import { gramOf, squaredDistances } from "./gram.js";
import { selectByBulyan } from "../bulyan/selection.js";
import { filterWeights } from "../caf/weights.js";
import { sortByScore, computeKrumScores } from "../krum/scores.js";
import { selectSmallest } from "../mda/selection.js";
import { findNearest } from "../monna/nearest.js";
import { bucketMixing, nearestNeighbourMixing } from "./mixing.js";
import { createPointsForManyPasses, createPoints } from "./points.js";
import { computeTrust } from "./trust.js";

/** A flattened update of a client. A call needs at least one, all of the same length. */
export type Vector = Numbers;

/** The result of a rule, with the indices of the vectors that it used. */
export interface Selection {
  readonly vector: Vector;
  /** Indices in ascending order. */
  readonly selected: readonly number[];
}

/** Computes Σ w_k·V_k; the plain mean without weights. */
export async function mean(
  vectors: readonly Vector[],
  weights: ArrayLike<number> = uniformWeights(vectors.length),
): Promise<Vector> {
  return readNumbers(await weightedSum(vectors.map(vectorToTensor), weights));
}

/** The median of every coordinate (Yin et al., arXiv 1803.01498). */
export async function coordinateMedian(vectors: readonly Vector[]): Promise<Vector> {
  return readNumbers(await applyByCoordinate(vectors.map(vectorToTensor), medianOf));
}

/**
 * The mean of every coordinate without its ⌊β·K⌋ largest and smallest values (Yin et al., arXiv
 * 1803.01498).
 * @param beta in [0, 1/2)
 */
export async function trimmedMean(vectors: readonly Vector[], beta: number): Promise<Vector> {
  const rule = createTrimmedMean(Math.floor(beta * vectors.length));
  return readNumbers(await applyByCoordinate(vectors.map(vectorToTensor), rule));
}

/**
 * Krum: the vector closest to its K - f - 2 neighbours.
 * @param f number of clients that may be contaminated
 */
export function krum(vectors: readonly Vector[], f: number): Promise<Selection> {
  return multiKrum(vectors, f, 1);
}

/**
 * Multi-Krum: the mean of the m best vectors by Krum's score, which is computed once.
 * @param m K - f by default
 */
export async function multiKrum(
  vectors: readonly Vector[],
  f: number,
  m: number = vectors.length - f,
): Promise<Selection> {
  const scores = computeKrumScores(await computeDistances(vectors), f);
  const selected = sortByScore(scores)
    .slice(0, m)
    .sort((i, j) => i - j);
  return { vector: await mean(pickVectors(vectors, selected)), selected };
}

/**
 * Bulyan: of the vectors that `selectByBulyan` returns, the mean of the θ - 2f values closest to
 * the median of each coordinate.
 * @throws UserError unless K ≥ 4f + 3
 */
export async function bulyan(vectors: readonly Vector[], f: number): Promise<Selection> {
  const selected = await selectByBulyan(await computeDistances(vectors), f);
  const chosen = pickVectors(vectors, selected).map(vectorToTensor);
  const rule = createMeanNearMedian(chosen.length - 2 * f);
  return { vector: readNumbers(await applyByCoordinate(chosen, rule)), selected };
}

/** The mean of the K - f vectors with the smallest diameter; see `selectSmallest`. */
export async function mda(vectors: readonly Vector[], f: number): Promise<Selection> {
  const { selected } = selectSmallest(await computeDistances(vectors), f);
  return { vector: await mean(pickVectors(vectors, selected)), selected };
}

/**
 * The mean of the K - f vectors nearest to a trusted one (MoNNA, Farhadkhani et al., ICML 2023).
 * @param root index of the trusted vector
 */
export async function monna(
  vectors: readonly Vector[],
  f: number,
  root: number,
): Promise<Selection> {
  const points = await createPoints(toChanges(vectors));
  const { nearest: selected } = await findNearest(points, root, vectors.length - f);
  return { vector: await mean(pickVectors(vectors, selected)), selected };
}

/** The mean of the K - f values closest to the median of each coordinate (Xie et al., 2018). */
export async function meamed(vectors: readonly Vector[], f: number): Promise<Vector> {
  const rule = createMeanNearMedian(vectors.length - f);
  return readNumbers(await applyByCoordinate(vectors.map(vectorToTensor), rule));
}

/** The covariance-bound agnostic filter; see `filterWeights`. */
export async function caf(vectors: readonly Vector[], f: number): Promise<Vector> {
  return mean(vectors, await filterWeights(await gramOf(toChanges(vectors)), f));
}

/** The geometric median; see `geometricMedianWeights`. */
export async function geometricMedian(vectors: readonly Vector[], nu?: number): Promise<Vector> {
  const points = await createPointsForManyPasses(toChanges(vectors));
  return mean(vectors, await geometricMedianWeights(points, uniformWeights(vectors.length), nu));
}

/** The mean of the vectors, each clipped to the norm `most`, by default the median norm. */
export async function normClip(vectors: readonly Vector[], most?: number): Promise<Vector> {
  const norms = await computeNorms(await createPoints(toChanges(vectors)));
  return mean(
    vectors,
    normClipWeights(norms, uniformWeights(vectors.length), most ?? median(norms)),
  );
}

/** Centered clipping; see `centeredClipWeights`. */
export async function centeredClip(
  vectors: readonly Vector[],
  tau: number,
  steps?: number,
): Promise<Vector> {
  const points = await createPoints(toChanges(vectors));
  return mean(vectors, await centeredClipWeights(points, tau, steps));
}

/** Replaces every vector by the mean of its K - f nearest ones; see `nearestNeighbourMixing`. */
export async function mixNearestNeighbours(
  vectors: readonly Vector[],
  f: number,
): Promise<readonly Vector[]> {
  return mixVectors(vectors, nearestNeighbourMixing(await computeDistances(vectors), f));
}

/** Replaces the vectors by the means of buckets; see `bucketMixing`. */
export function averageBuckets(
  vectors: readonly Vector[],
  order: readonly number[],
  size: number,
): Promise<readonly Vector[]> {
  return mixVectors(vectors, bucketMixing(order, size));
}

/** Computes the vectors Σ_k mixing[k, i]·V_k. @param mixing K×L */
async function mixVectors(vectors: readonly Vector[], mixing: Matrix): Promise<readonly Vector[]> {
  const length = vectors[0]?.length ?? 0;
  const out = Array.from({ length: mixing.cols }, () => new Float64Array(length));
  for await (const { from, columns } of iterateMixedBlocks(vectors.map(vectorToTensor), mixing)) {
    columns.forEach((column, i) => out[i]?.set(column, from));
  }
  return out;
}

/**
 * FLTrust (Cao et al., arXiv 2012.13995): averages the vectors at the server's norm, weighted by
 * their cosine to the server's vector, or 0 if it is negative.
 * @returns the mean, which is the zero vector if no client is trusted, and the trust in every
 * client
 */
export async function fltrust(vectors: readonly Vector[], server: Vector) {
  const points = await createPoints(toChanges([server, ...vectors]));
  const { cosines, weights } = await computeTrust(points, 0);
  const trust = Array.from(cosines.subarray(1), (cosine) => Math.max(0, cosine));
  return { vector: await mean(vectors, weights.subarray(1)), trust };
}

async function computeDistances(vectors: readonly Vector[]) {
  return squaredDistances(await gramOf(toChanges(vectors)));
}

function toChanges(vectors: readonly Vector[]): readonly Changes[] {
  return [vectors.map(vectorToTensor)];
}

function uniformWeights(count: number): Float64Array {
  return new Float64Array(count).fill(1 / count);
}

/** @param indices ascending */
function pickVectors(vectors: readonly Vector[], indices: readonly number[]): readonly Vector[] {
  return vectors.filter((_, k) => indices.includes(k));
}
