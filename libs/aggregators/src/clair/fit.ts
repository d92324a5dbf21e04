import {
  addScaled,
  leadingLeft,
  Matrix,
  splitEnergy,
  sum,
  type SplitEnergy,
} from "@fedclair/linalg";
import type { ClairOptions } from "./options.js";
import type { View } from "./views.js";

/** A view and the dimension of the space sought in it, at most the rows of its blocks. */
export interface Sought {
  readonly view: View;
  readonly rank: number;
}

/** Everything the search and the detection fit and score: the views of one module, or of all. */
export interface Problem {
  readonly sought: readonly Sought[];
  /** Number of active clients. */
  readonly size: number;
  readonly pooling: ClairOptions["pooling"];
}

/** U of every view, n×r with orthonormal columns. */
export type Bases = readonly Matrix[];

/** The r leading left singular vectors of the members' blocks, by view. */
export function fit({ sought }: Pick<Problem, "sought">, members: readonly number[]): Bases {
  return sought.map(({ view, rank }) =>
    leadingLeft(pick(view.blocks, members), rank, undefined, pick(view.grams, members)),
  );
}

/** Σ w_k·G_k of n×n matrices, at least one; all weights 1 by default. */
export function gramOf(grams: readonly Matrix[], weights?: ArrayLike<number>): Matrix {
  const size = grams[0]?.rows ?? 0;
  const out = new Matrix(size, size);
  grams.forEach((gram, k) => {
    addScaled(out, weights?.[k] ?? 1, gram);
  });
  return out;
}

/**
 * The sine of client k's angle to the space: the root of |QZ|² summed over the views and divided by the number of those
 * that are not zero; with pooling max the largest by view.
 */
export function sine({ sought, pooling }: Problem, bases: Bases, k: number): number {
  const energies = energiesOf(sought, bases, k);
  if (pooling === "max") return Math.sqrt(Math.max(0, ...energies.map(({ outside }) => outside)));
  const views = sought.filter(({ view }) => !view.isZero[k]).length;
  return Math.sqrt(sum(energies.map(({ outside }) => outside)) / Math.max(1, views));
}

const largestTangent = 1e6;

/** The tangent of client k's angle to the space, |QZ|/|PZ|, at most 1e6; with pooling max the largest by view. */
export function tangent({ sought, pooling }: Problem, bases: Bases, k: number): number {
  const energies = energiesOf(sought, bases, k);
  if (pooling === "max") return Math.max(0, ...energies.map(ratio));
  return ratio({
    inside: sum(energies.map(({ inside }) => inside)),
    outside: sum(energies.map(({ outside }) => outside)),
  });
}

function ratio({ inside, outside }: SplitEnergy): number {
  // A client that changed nothing lies in every space.
  return outside === 0 ? 0 : Math.min(Math.sqrt(outside / inside), largestTangent);
}

function energiesOf(sought: readonly Sought[], bases: Bases, k: number): SplitEnergy[] {
  return sought.flatMap(({ view }, v) => {
    const block = view.blocks[k];
    const basis = bases[v];
    return block === undefined || basis === undefined ? [] : [splitEnergy(basis, block)];
  });
}

export function pick<T>(items: readonly T[], indices: readonly number[]): T[] {
  return indices.flatMap((i) => items.slice(i, i + 1));
}
