import {
  addScaled,
  gramNT,
  hstack,
  leadingLeft,
  Matrix,
  splitColumns,
  splitEnergy,
  subtract,
  sum,
  type Known,
} from "@fedclair/linalg";
import type { View } from "./views.js";

/** The dimension of the space sought in a view, at most the rows of its blocks. */
export interface Sought {
  readonly view: View;
  readonly rank: number;
}

/** What every client's block has inside a space, |PZ|², and outside it, |QZ|². */
export interface Energies {
  readonly inside: Float64Array;
  readonly outside: Float64Array;
}

/**
 * The r leading left singular vectors of the members' blocks, n×r.
 * @param known a guess near them; the members' Gram matrix if it is at hand
 */
export function fit({ view, rank }: Sought, members: readonly number[], known?: Known): Matrix {
  const gram = known?.gram ?? (view.grams && gramOf(view, members));
  return leadingLeft(pick(view.blocks, members), rank, { ...known, gram });
}

/**
 * Every member's energies about the space fitted to the others.
 * @param basis fitted to all members
 */
export function energiesWithoutOne(
  sought: Sought,
  members: readonly number[],
  basis: Matrix,
): Energies {
  const { view } = sought;
  // Less one of its own terms, a sum of terms of one size keeps its digits; one of unlike sizes would not.
  const all = view.isEven ? gramOf(view, members) : undefined;
  const energies = members.map((left) => {
    const others = members.filter((member) => member !== left);
    const gram = all && subtract(all, gramOf(view, [left]));
    const own = view.blocks[left] ?? new Matrix(basis.rows, 0);
    return splitEnergy(fit(sought, others, { gram, guess: basis }), own);
  });
  return {
    inside: Float64Array.from(energies, ({ inside }) => inside),
    outside: Float64Array.from(energies, ({ outside }) => outside),
  };
}

/** The Gram matrix of the members' blocks, n×n. */
export function gramOf({ grams, blocks }: View, members: readonly number[]): Matrix {
  if (grams === undefined) return gramNT(hstack(pick(blocks, members)));
  const size = blocks[0]?.rows ?? 0;
  const gram = new Matrix(size, size);
  for (const one of pick(grams, members)) addScaled(gram, 1, one);
  return gram;
}

/** All clients' energies about a space, n×r. */
export function energiesOf({ view }: Sought, basis: Matrix): Energies {
  const { inside, outside } = splitColumns(basis, view.stack);
  let from = 0;
  const ranges = view.blocks.map(({ cols }) => [from, (from += cols)] as const);
  return {
    inside: Float64Array.from(ranges, (range) => sum(inside.subarray(...range))),
    outside: Float64Array.from(ranges, (range) => sum(outside.subarray(...range))),
  };
}

export function pick<T>(items: readonly T[], indices: readonly number[]): T[] {
  return indices.flatMap((i) => items.slice(i, i + 1));
}

/** Two lists of one length, entry by entry. */
export function pairs<A, B>(first: readonly A[], second: readonly B[]): [A, B][] {
  return first.flatMap((a, i) => second.slice(i, i + 1).map((b): [A, B] => [a, b]));
}
