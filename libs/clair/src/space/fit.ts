import {
  at,
  frobenius,
  gramNT,
  hstack,
  leadingLeft,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  splitColumns,
  splitEnergy,
  subtract,
  sum,
  thinQr,
  item,
  indices,
  pick,
  zip,
} from "@fedclair/linalg";
import type { Side } from "../updates/change.js";
import type { ColumnGram, Grams } from "./grams.js";
import type { Energies, Reweighing, ReweighingStep } from "./view-measures.js";

/**
 * One module of all active clients, seen from one side. The search for the shared space works on
 * views.
 */
export interface View {
  readonly side: Side;
  /** p of the module on the left, q on the right. */
  readonly extent: number;
  /**
   * [Z_1 … Z_K], n×Σw_k. Every block has norm 1, so that no client counts more by sending a larger
   * change. It is zero if the client did not change the module.
   */
  readonly stack: Matrix;
  /** Squared norms of the stack's columns. */
  readonly energies: Float64Array;
  /** Z_k, n×w_k, one for each active client, as columns of the stack. */
  readonly blocks: readonly Matrix[];
  /**
   * Gram matrices, if blocks are at least half as wide as tall. Narrower blocks are multiplied as
   * fast as the triangles of Gram matrices are summed.
   */
  readonly grams: Grams | undefined;
  readonly columnGram: ColumnGram;
  readonly isZero: readonly boolean[];
  /**
   * The left singular vectors of Z_k with a singular value above 1e-8 of the largest, by descending
   * value, up to the largest rank. They are computed on first use, because only a search needs
   * them.
   */
  ownSpace(k: number): Matrix;
  /**
   * Lifts a space that was fitted to the members from the view's coordinates (n×r) to those of the
   * module (p×r).
   */
  lift(basis: Matrix, members: readonly number[]): Matrix;
}

/** A view with the dimension of the wanted space, at most the number of rows of its blocks. */
export interface RankedView {
  readonly view: View;
  readonly rank: number;
}

/**
 * The share of the wanted space that each client's block can show, 0 … 1; 1 for an unchanged
 * module.
 */
export function computeVisibleShares({ view, rank }: RankedView): number[] {
  return view.isZero.map((zero, k) => (zero ? 1 : Math.min(1, view.ownSpace(k).cols / rank)));
}

/**
 * Computes the r leading left singular vectors of the members' blocks, n×r.
 * @param gram Gram matrix of the members, if it is known
 */
export function fit({ view, rank }: RankedView, members: readonly number[], gram?: Matrix): Matrix {
  const known = {
    gram: gram ?? view.grams?.sum(members),
    columnGram: view.columnGram.of(members),
  };
  return leadingLeft(pick(view.blocks, members), rank, known);
}

/** A client's own space, completed by the leading directions that all blocks have outside it. */
export function fitOwn({ view, rank }: RankedView, k: number): Matrix {
  const whole = view.ownSpace(k);
  if (whole.cols >= rank) return whole.columns(0, rank);
  const residuals = view.blocks.map((block) =>
    subtract(block, multiply(whole, multiplyTN(whole, block))),
  );
  return thinQr(hstack([whole, leadingLeft(residuals, rank - whole.cols)])).q;
}

/**
 * Makes one step of orthogonal iteration on the stack of all blocks, √w_k·Z_k.
 * @param last the previous basis, with the energies for it
 */
export function iterate(
  { view }: RankedView,
  weights: readonly number[],
  last: EvaluatedFit,
): Matrix {
  const { stack, blocks, grams } = view;
  const { basis } = last;
  if (grams !== undefined) {
    return thinQr(multiply(grams.sum(indices(blocks.length), weights), basis)).q;
  }
  const weighted = last.coefficients?.copy() ?? multiplyTN(basis, stack);
  let column = 0;
  for (const [{ cols }, weight] of zip(blocks, weights)) {
    const own = weighted.columns(column, (column += cols));
    own.data.set(own.scale(weight).data);
  }
  return thinQr(multiplyNT(stack, weighted)).q;
}

/**
 * The distance between the projectors, |UUᵀ - VVᵀ|_F, computed from V's part outside U to avoid
 * cancellation.
 */
function measureMovement(u: Matrix, v: Matrix): number {
  return Math.SQRT2 * frobenius(subtract(v, multiply(u, multiplyTN(u, v))));
}

/**
 * Smallest share of a block outside the space for which the difference of energies keeps twelve
 * digits.
 */
const minOutsideShare = 1e-4;

/** A space with the energies of all clients. */
interface EvaluatedFit {
  /** The basis of the space, n×r. */
  readonly basis: Matrix;
  readonly energies: Energies;
  /** Basisᵀ·stack, if it was computed. */
  readonly coefficients?: Matrix;
}

/** The energies of all clients for a space, n×r. */
export function computeEnergies(ranked: RankedView, basis: Matrix): Energies {
  return evaluateFit(ranked, basis).energies;
}

function evaluateFit({ view }: RankedView, basis: Matrix): EvaluatedFit {
  const { grams, blocks } = view;
  if (grams !== undefined) {
    const inside = grams.inside(basis);
    const outside = grams.norms.map((whole, k) => {
      const difference = whole - at(inside, k);
      const isClear = difference > minOutsideShare * whole;
      return isClear ? difference : splitEnergy(basis, item(blocks, k)).outside;
    });
    return { basis, energies: { inside, outside } };
  }
  const { inside, outside, coefficients } = splitColumns(basis, view.stack, view.energies);
  let from = 0;
  const ranges = blocks.map(({ cols }) => [from, (from += cols)] as const);
  const energies = {
    inside: Float64Array.from(ranges, (range) => sum(inside.subarray(...range))),
    outside: Float64Array.from(ranges, (range) => sum(outside.subarray(...range))),
  };
  return { basis, energies, coefficients };
}

/**
 * Computes every member's energies for the space fitted to the members of other folds.
 * @param folds number of folds that members are dealt to in turn, from 2 to the number of members
 */
export function leaveOut(ranked: RankedView, members: readonly number[], folds: number): Energies {
  const { view } = ranked;
  // Subtracting some terms from the sum keeps the digits, because all blocks have norm 1.
  const all = view.columnGram.of(members) ? undefined : gramOfMembers(view, members);
  const bases = indices(folds).map((fold) => {
    const left = members.filter((_, m) => m % folds === fold);
    const others = members.filter((_, m) => m % folds !== fold);
    return fit(ranked, others, all && subtract(all, gramOfMembers(view, left)));
  });
  const energies = members.map((k, m) => splitEnergy(item(bases, m % folds), item(view.blocks, k)));
  return {
    inside: Float64Array.from(energies, ({ inside }) => inside),
    outside: Float64Array.from(energies, ({ outside }) => outside),
  };
}

/** The Gram matrix of the members' blocks, n×n. */
export function gramOfMembers({ grams, blocks }: View, members: readonly number[]): Matrix {
  return grams?.sum(members) ?? gramNT(hstack(pick(blocks, members)));
}

/** The reweighted fits of one module's views, which start from the fit to all clients. */
export class ModuleReweighing implements Reweighing {
  readonly #views: readonly RankedView[];
  #fits: readonly EvaluatedFit[];

  constructor(views: readonly RankedView[]) {
    this.#views = views;
    this.#fits = views.map((one) => evaluateFit(one, fit(one, indices(one.view.blocks.length))));
  }

  energies(): Energies[] {
    return this.#fits.map(({ energies }) => energies);
  }

  step(weights: readonly number[]): ReweighingStep {
    const last = this.#fits;
    this.#fits = zip(this.#views, last).map(([one, from]) =>
      evaluateFit(one, iterate(one, weights, from)),
    );
    const moves = zip(last, this.#fits).map(([from, to]) => measureMovement(from.basis, to.basis));
    return { energies: this.energies(), moved: Math.max(...moves) };
  }

  drop(): void {
    this.#fits = [];
  }
}
