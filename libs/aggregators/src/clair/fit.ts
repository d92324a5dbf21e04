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

/**
 * The r leading left singular vectors of the members' blocks, by view.
 * @param guess bases near those sought
 */
export function fit(
  { sought }: Pick<Problem, "sought">,
  members: readonly number[],
  guess?: Bases,
): Bases {
  return sought.map(({ view, rank }, v) => fitView(view, rank, members, { guess: guess?.[v] }));
}

/**
 * The fit to the members without one of them, for each in turn.
 * @param bases fitted to all members
 */
export function* fitsWithoutOne(
  problem: Problem,
  members: readonly number[],
  bases: Bases,
): Generator<{ readonly left: number; readonly bases: Bases }> {
  const grams = problem.sought.map(({ view }) =>
    // Less one of its own terms, a sum of terms of one size keeps its digits; one of unlike sizes would not.
    view.grams === undefined && view.isEven ? gramOf(view, members) : undefined,
  );
  for (const left of members) {
    const others = members.filter((member) => member !== left);
    yield {
      left,
      bases: problem.sought.map(({ view, rank }, v) => {
        const gram = grams[v];
        const known = gram ? subtract(gram, gramOf(view, [left])) : undefined;
        return fitView(view, rank, others, { gram: known, guess: bases[v] });
      }),
    };
  }
}

function fitView(
  view: View,
  rank: number,
  members: readonly number[],
  { gram = view.grams && gramOf(view, members), guess }: Known = {},
): Matrix {
  return leadingLeft(pick(view.blocks, members), rank, { gram, guess });
}

/** The Gram matrix of the members' blocks, n×n. */
export function gramOf({ grams, blocks }: View, members: readonly number[]): Matrix {
  if (grams === undefined) return gramNT(hstack(pick(blocks, members)));
  const size = blocks[0]?.rows ?? 0;
  const gram = new Matrix(size, size);
  for (const one of pick(grams, members)) addScaled(gram, 1, one);
  return gram;
}

/**
 * Every client's sine of the angle to the space: the root of |QZ|² summed over the views and divided by the number of
 * those that are not zero; with pooling max the largest by view.
 */
export function sines(problem: Problem, bases: Bases): number[] {
  return energiesOfAll(problem, bases).map((energies, k) => {
    const outside = energies.map((energy) => energy.outside);
    if (problem.pooling === "max") return Math.sqrt(Math.max(0, ...outside));
    const views = problem.sought.filter(({ view }) => !view.isZero[k]).length;
    return Math.sqrt(sum(outside) / Math.max(1, views));
  });
}

/** Every client's tangent of the angle to the space, |QZ|/|PZ|, at most 1e6; with pooling max the largest by view. */
export function tangents(problem: Problem, bases: Bases): number[] {
  return energiesOfAll(problem, bases).map((energies) => pooledTangent(energies, problem));
}

/** The same of client k alone. */
export function tangentOf(problem: Problem, bases: Bases, k: number): number {
  const energies = problem.sought.flatMap(({ view }, v) => {
    const block = view.blocks[k];
    const basis = bases[v];
    return block === undefined || basis === undefined ? [] : [splitEnergy(basis, block)];
  });
  return pooledTangent(energies, problem);
}

const largestTangent = 1e6;

function pooledTangent(energies: readonly SplitEnergy[], { pooling }: Problem): number {
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

/** By client, and for each by view. */
function energiesOfAll({ sought, size }: Problem, bases: Bases): SplitEnergy[][] {
  const byClient = Array.from({ length: size }, (): SplitEnergy[] => []);
  sought.forEach(({ view }, v) => {
    const basis = bases[v];
    if (basis === undefined) return;
    const { inside, outside } = splitColumns(basis, view.stack);
    let from = 0;
    view.blocks.forEach(({ cols }, k) => {
      const to = from + cols;
      byClient[k]?.push({
        inside: sum(inside.subarray(from, to)),
        outside: sum(outside.subarray(from, to)),
      });
      from = to;
    });
  });
  return byClient;
}

export function pick<T>(items: readonly T[], indices: readonly number[]): T[] {
  return indices.flatMap((i) => items.slice(i, i + 1));
}
