import { readNumbers, type Delta, type Numbers } from "@fedclair/core";
import { median, stream, type Matrix } from "@fedclair/linalg";
import { bulyanRule } from "./bulyan/index.js";
import { cafRule } from "./caf/index.js";
import { coordinateMedianRule } from "./coordinate-median/index.js";
import { computeTrust } from "./fltrust/trust.js";
import { geometricMedianWeights } from "./geometric-median/weights.js";
import { createKrumRule, krumRule } from "./krum/index.js";
import { mdaRule } from "./mda/index.js";
import { meamedRule } from "./meamed/index.js";
import { findNearest } from "./monna/nearest.js";
import { iterateMixedBlocks, vectorToTensor } from "./robust/blocks.js";
import { centeredClipWeights, computeNorms, normClipWeights } from "./robust/clipping.js";
import { createTrimmedMean } from "./robust/coordinates.js";
import { squaredDistances } from "./robust/gram.js";
import { bucketMixing, nearestNeighbourMixing } from "./robust/mixing.js";
import { meanWeights, Mixture } from "./robust/mixture.js";
import type { Rule } from "./robust/rule.js";

/*
 * The robust rules on vectors, in place of the updates of a round.
 */

/** A flattened update of a client. A call needs at least one, all of the same length. */
export type Vector = Numbers;

type Vectors = readonly Vector[];

/** The result of a rule, with the indices of the vectors that it used. */
export interface Selection {
  readonly vector: Vector;
  /** Indices in ascending order. */
  readonly selected: readonly number[];
}

/** Computes Σ w_k·V_k; the plain mean without weights. */
export async function mean(
  vectors: Vectors,
  weights = meanWeights(vectors.length),
): Promise<Vector> {
  return toVector(await toMixture(vectors).combine(weights), vectors);
}

/** The median of every coordinate (Yin et al., arXiv 1803.01498). */
export function coordinateMedian(vectors: Vectors): Promise<Vector> {
  return applyRule(coordinateMedianRule, vectors);
}

/**
 * The mean of every coordinate without its ⌊β·K⌋ largest and smallest values (Yin et al., arXiv
 * 1803.01498).
 * @param beta in [0, 1/2)
 */
export async function trimmedMean(vectors: Vectors, beta: number): Promise<Vector> {
  const rule = createTrimmedMean(Math.floor(beta * vectors.length));
  return toVector(await toMixture(vectors).reduce(rule), vectors);
}

/**
 * Krum: the vector closest to its K - f - 2 neighbours.
 * @param f number of clients that may be contaminated
 */
export function krum(vectors: Vectors, f: number): Promise<Selection> {
  return selectByRule(krumRule, vectors, f);
}

/**
 * Multi-Krum: the mean of the m best vectors by Krum's score, which is computed once.
 * @param m K - f by default
 */
export function multiKrum(vectors: Vectors, f: number, m = vectors.length - f): Promise<Selection> {
  return selectByRule(
    createKrumRule(() => m),
    vectors,
    f,
  );
}

/** Bulyan; see `bulyanRule`. */
export function bulyan(vectors: Vectors, f: number): Promise<Selection> {
  return selectByRule(bulyanRule, vectors, f);
}

/** The mean of the K - f vectors with the smallest diameter; see `selectSmallest`. */
export function mda(vectors: Vectors, f: number): Promise<Selection> {
  return selectByRule(mdaRule, vectors, f);
}

/**
 * The mean of the K - f vectors nearest to a trusted one (MoNNA, Farhadkhani et al., ICML 2023).
 * @param root index of the trusted vector
 */
export async function monna(vectors: Vectors, f: number, root: number): Promise<Selection> {
  const points = await toMixture(vectors).points();
  const { nearest: selected } = await findNearest(points, root, vectors.length - f);
  return { vector: await mean(vectors, meanWeights(vectors.length, selected)), selected };
}

/** The mean of the K - f values closest to the median of each coordinate (Xie et al., 2018). */
export function meamed(vectors: Vectors, f: number): Promise<Vector> {
  return applyRule(meamedRule, vectors, f);
}

/** The covariance-bound agnostic filter; see `filterWeights`. */
export function caf(vectors: Vectors, f: number): Promise<Vector> {
  return applyRule(cafRule, vectors, f);
}

/** The geometric median; see `geometricMedianWeights`. */
export async function geometricMedian(vectors: Vectors, nu?: number): Promise<Vector> {
  const points = await toMixture(vectors).points(true);
  const weights = await geometricMedianWeights(points, meanWeights(points.count), nu);
  return await mean(vectors, weights);
}

/** The mean of the vectors, each clipped to the norm `most`, by default the median norm. */
export async function normClip(vectors: Vectors, most?: number): Promise<Vector> {
  const norms = await computeNorms(await toMixture(vectors).points());
  const weights = meanWeights(vectors.length);
  return await mean(vectors, normClipWeights(norms, weights, most ?? median(norms)));
}

/** Centered clipping; see `centeredClipWeights`. */
export async function centeredClip(vectors: Vectors, tau: number, steps?: number): Promise<Vector> {
  return await mean(
    vectors,
    await centeredClipWeights(await toMixture(vectors).points(), tau, steps),
  );
}

/** Replaces every vector by the mean of its K - f nearest ones; see `nearestNeighbourMixing`. */
export async function mixNearestNeighbours(vectors: Vectors, f: number): Promise<Vectors> {
  const squared = squaredDistances(await toMixture(vectors).gram());
  return await mixVectors(vectors, nearestNeighbourMixing(squared, f));
}

/** Replaces the vectors by the means of buckets; see `bucketMixing`. */
export function averageBuckets(
  vectors: Vectors,
  order: readonly number[],
  size: number,
): Promise<Vectors> {
  return mixVectors(vectors, bucketMixing(order, size));
}

/** Computes the vectors Σ_k mixing[k, i]·V_k. @param mixing K×L */
async function mixVectors(vectors: Vectors, mixing: Matrix): Promise<Vectors> {
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
export async function fltrust(vectors: Vectors, server: Vector) {
  const { cosines, weights } = await computeTrust(
    await toMixture([server, ...vectors]).points(),
    0,
  );
  const trust = Array.from(cosines.subarray(1), (cosine) => Math.max(0, cosine));
  return { vector: await mean(vectors, weights.subarray(1)), trust };
}

async function applyRule(rule: Rule, vectors: Vectors, f = 0): Promise<Vector> {
  return (await selectByRule(rule, vectors, f)).vector;
}

async function selectByRule(rule: Rule, vectors: Vectors, f: number): Promise<Selection> {
  const { change, selected = [] } = await rule(toMixture(vectors), f, stream("vectors"));
  return { vector: toVector(change, vectors), selected };
}

function toMixture(vectors: Vectors): Mixture {
  return Mixture.of(
    vectors.map((data, k) => ({
      // Mixtures sort by id.
      clientId: String.fromCodePoint(k),
      numExamples: 1,
      delta: new Map([["vector", vectorToTensor(data)]]),
      metrics: {},
    })),
  );
}

/** Reads a change; it has no terms if no vector has a weight. */
function toVector([term]: readonly Delta[], [first]: Vectors): Vector {
  const change = term?.get("vector");
  return change && "shape" in change ? readNumbers(change) : new Float64Array(first?.length ?? 0);
}
