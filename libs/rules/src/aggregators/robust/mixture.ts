import { yieldToEventLoop, type Delta, type Tensor, type Update } from "@fedclair/core";
import { at, indices, Matrix, multiply, multiplyTN, pick } from "@fedclair/linalg";
import { combineProducts } from "../products.js";
import type { Changes } from "./blocks.js";
import { applyByCoordinate, type CoordinateRule } from "./coordinates.js";
import { gramOf } from "./gram.js";
import { groupByModule, sortById } from "./modules.js";
import {
  createPoints,
  createPointsForManyPasses,
  createPointsFromGram,
  type Points,
} from "./points.js";

/**
 * The points that a robust rule aggregates: the clients' changes X_k, or means Y = X·M of them,
 * which are never computed as such. Weights of the Y_i translate into weights of the X_k, so
 * low-rank pairs stay pairs, and coordinate-wise rules mix one block of coordinates at a time.
 */
export class Mixture {
  /** The clients' updates, sorted by id, so that the result does not depend on their order. */
  readonly updates: readonly Update[];
  /** M, K×L; column i holds the weights of the X_k in Y_i. Undefined: the points are the X_k. */
  readonly #mixing: Matrix | undefined;
  readonly #computeGram: () => Promise<Matrix>;
  #gram: Promise<Matrix> | undefined;

  /** Creates the mixture of the updates themselves. */
  static of(updates: readonly Update[]): Mixture {
    const sorted = sortById(updates);
    return new Mixture(sorted, undefined, () => gramOf([...groupByModule(sorted).values()]));
  }

  private constructor(
    updates: readonly Update[],
    mixing: Matrix | undefined,
    computeGram: () => Promise<Matrix>,
  ) {
    this.updates = updates;
    this.#mixing = mixing;
    this.#computeGram = computeGram;
  }

  /** The number of points. */
  get count(): number {
    return this.#mixing?.cols ?? this.updates.length;
  }

  /** The changes X_k by module. */
  get modules(): readonly Changes[] {
    return [...groupByModule(this.updates).values()];
  }

  /** The Gram matrix of the points, computed at the first call; coordinate-wise rules skip it. */
  gram(): Promise<Matrix> {
    return (this.#gram ??= this.#computeGram());
  }

  /** The points as a rule sees them that only weights them. @param isOften for many passes */
  async points(isOften = false): Promise<Points> {
    if (this.#mixing) return createPointsFromGram(await this.gram());
    return await (isOften ? createPointsForManyPasses : createPoints)(this.modules);
  }

  /** Replaces the points Y by Y·N. @param further N; column i holds the weights in a new point */
  mix(further: Matrix): Mixture {
    const mixing = this.#mixing ? multiply(this.#mixing, further) : further;
    return new Mixture(this.updates, mixing, async () => mixGram(await this.gram(), further));
  }

  /** Computes the Gram matrix of the points from that of the X_k, as at some coordinates. */
  async mixGram(gram: Matrix): Promise<Matrix> {
    return this.#mixing ? await mixGram(gram, this.#mixing) : gram;
  }

  /** Keeps the points with these indices. @param indices ascending */
  pick(indices: readonly number[]): Mixture {
    if (!this.#mixing) return Mixture.of(pick(this.updates, indices));
    const chosen = new Matrix(this.count, indices.length);
    indices.forEach((from, to) => (chosen.data[from + to * chosen.rows] = 1));
    return this.mix(chosen);
  }

  /** Computes Σ c_i·Y_i, as terms. @param weights c, one for each point */
  combine(weights: Float64Array): Promise<Delta[]> {
    const combined = this.#mixing
      ? multiply(this.#mixing, new Matrix(weights.length, 1, weights)).data
      : weights;
    return combineProducts(this.updates, combined);
  }

  /** Applies a rule to every coordinate of the points; the result is dense. */
  async reduce(rule: CoordinateRule): Promise<Delta[]> {
    const term = new Map<string, Tensor>();
    for (const [name, changes] of groupByModule(this.updates)) {
      term.set(name, await applyByCoordinate(changes, rule, this.#mixing));
    }
    return [term];
  }
}

/** Number of columns that are multiplied between two yields to the event loop. */
const panel = 64;

/**
 * Computes NᵀGN, the Gram matrix of the points Y·N.
 * @param gram Gram matrix G of the Y_i, L×L
 * @param mixing N, L×M
 * @returns M×M
 */
async function mixGram(gram: Matrix, mixing: Matrix): Promise<Matrix> {
  const count = mixing.cols;
  const out = new Matrix(count, count);
  for (let from = 0; from < count; from += panel) {
    const columns = mixing.columns(from, Math.min(from + panel, count));
    out.data.set(multiplyTN(mixing, multiply(gram, columns)).data, from * count);
    await yieldToEventLoop();
  }
  return out;
}

/** The weights of a mean of the points with these indices, by default all; 0 for all others. */
export function meanWeights(count: number, of: readonly number[] = indices(count)): Float64Array {
  const weights = new Float64Array(count);
  for (const i of of) weights[i] = at(weights, i) + 1 / of.length;
  return weights;
}
