import {
  addScaled,
  frobenius,
  Matrix,
  leadingLeft,
  multiply,
  multiplyTN,
  subtract,
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

/** The sine of client k's angle to the space: sqrt(Σ|QZ|² / views with Z ≠ 0), or the largest by view with pooling max. */
export function sine({ sought, pooling }: Problem, bases: Bases, k: number): number {
  const energies = energiesOf(sought, bases, k);
  if (pooling === "max") return Math.sqrt(Math.max(0, ...energies.map(({ off }) => off)));
  const views = sought.filter(({ view }) => !view.isZero[k]).length;
  return Math.sqrt(energies.reduce((total, { off }) => total + off, 0) / Math.max(1, views));
}

const largestTangent = 1e6;

/** The tangent of client k's angle to the space, off/on, at most 1e6; with pooling max the largest by view. */
export function tangent({ sought, pooling }: Problem, bases: Bases, k: number): number {
  const energies = energiesOf(sought, bases, k);
  if (pooling === "max") return Math.max(0, ...energies.map(({ off, on }) => ratio(off, on)));
  return ratio(
    energies.reduce((total, { off }) => total + off, 0),
    energies.reduce((total, { on }) => total + on, 0),
  );
}

function ratio(offEnergy: number, onEnergy: number): number {
  if (offEnergy === 0) return 0;
  return Math.min(Math.sqrt(offEnergy / onEnergy), largestTangent);
}

/** |QZ_k|² and |PZ_k|² by view. `off` comes from Z - U(UᵀZ) itself: 1 - on would lose small angles to cancellation. */
function energiesOf(sought: readonly Sought[], bases: Bases, k: number) {
  return sought.flatMap(({ view }, v) => {
    const block = view.blocks[k];
    const basis = bases[v];
    if (block === undefined || basis === undefined) return [];
    const inside = multiplyTN(basis, block);
    const off = frobenius(subtract(block, multiply(basis, inside))) ** 2;
    return [{ off, on: frobenius(inside) ** 2 }];
  });
}

export function pick<T>(items: readonly T[], indices: readonly number[]): T[] {
  return indices.flatMap((i) => items.slice(i, i + 1));
}
