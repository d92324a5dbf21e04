import { isLowRank, matrixOf, tensorsOf, type TensorDelta } from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { factorsOf, product } from "../factors.js";
import { combine, normOf, type Change, type Side } from "./change.js";
import { outlierPursuit } from "./convex.js";
import {
  energiesOf,
  energiesWithoutOne,
  fit,
  pairs,
  pick,
  type Energies,
  type Sought,
} from "./fit.js";
import type { ClairOptions } from "./options.js";
import { here } from "./parts.js";
import { gramInside, tangentTo, type SharedSpace } from "./space.js";
import { rankOf, rowsOf } from "./rank.js";
import {
  asUpdates,
  refineModule,
  type Members,
  type Refined,
  type RefinedUpdates,
  type RefineOptions,
} from "./refine-module.js";
import { asPairs, type RefinedPair } from "./refine-pairs.js";
import { search } from "./search.js";
import { iterate, movement, spaceOfClient } from "./start-spaces.js";
import { factsOf, viewOf, type Facts, type View } from "./views.js";

/** Beyond it squares overflow. */
const largestEntry = 1e100;

/**
 * One module as all clients changed it, and everything that CLAIR computes of it alone. What needs all modules, whose clients
 * are judged as wholes, is elsewhere and asks every part in turn: so parts can lie in different threads.
 *
 * It is built up in the order of the methods. Clients are indices: into the updates at first, then into those that `compare` kept.
 */
export class Part {
  #updates: readonly TensorDelta[];
  readonly #options: ClairOptions;
  #changes: readonly Change[] = [];
  /** The changes, or with option `centered` their differences from the benign mean. */
  #compared: readonly Change[] = [];
  #sought: readonly Sought[] = [];
  /** By view: the space that was fitted last, or iterated from it. */
  #fit: readonly Matrix[] = [];
  #space: SharedSpace = { rank: 0 };
  /** Up to it a change counts as zero. */
  #leastNorm = 0;

  constructor(updates: readonly TensorDelta[], options: ClairOptions) {
    this.#updates = updates;
    this.#options = options;
  }

  /** Step 0: are all of a client's numbers finite, and at most 1e100? */
  areBounded(): boolean[] {
    return this.#updates.map((update) => tensorsOf(update).every(({ data }) => isBounded(data)));
  }

  /** Takes up the changes of these clients. A module that one of them sends dense is p×q in memory already: then everybody's is. */
  norms(clients: readonly number[]): number[] {
    const updates = pick(this.#updates, clients);
    this.#updates = [];
    const dense = !updates.every(isLowRank);
    this.#changes = updates.map((update) => {
      if (!isLowRank(update)) return matrixOf(update);
      return dense ? product(factorsOf(update)) : factorsOf(update);
    });
    return this.#changes.map(normOf);
  }

  /** Keeps the changes of some of the clients whose norms were asked for. */
  compare(clients: readonly number[]): void {
    this.#changes = pick(this.#changes, clients);
    this.#compared = this.#changes;
  }

  /** From now on compares the clients' differences from the mean of some of them (section 3.1). */
  centre(members: readonly number[]): void {
    const weights = members.map(() => 1 / members.length);
    const mean = combine(pick(this.#changes, members), weights);
    this.#compared = this.#changes.map((change) => combine([change, mean], [1, -1]));
  }

  /**
   * Steps 1 to 3.
   * @param leastNorm a change with a norm up to it counts as zero
   * @returns by view
   */
  async view(leastNorm: number): Promise<Facts[]> {
    const { rank, rankMax, pooling } = this.#options;
    this.#leastNorm = leastNorm;
    const views = this.#viewsOf(this.#compared, rank === "auto" ? rankMax : rank);
    const seek = (wanted: number) => {
      this.#sought = views.map((view) => ({ view, rank: wanted }));
      return this.#sought.map(factsOf);
    };
    const parts = here([this]);
    const size = this.#compared.length;
    const found = await rankOf(views, this.#options, (wanted) =>
      search({ parts, facts: seek(wanted), size, pooling }, this.#options),
    );
    return seek(found);
  }

  #viewsOf(changes: readonly Change[], largestRank: number): View[] {
    const { side } = this.#options;
    const sides: readonly Side[] = side === "both" ? ["left", "right"] : [side];
    return sides.map((one) => viewOf(changes, one, this.#options, largestRank, this.#leastNorm));
  }

  /** Fits the space to the members. @returns by view, as all that follow */
  fit(members: readonly number[]): Energies[] {
    return this.#settle((sought) => fit(sought, members));
  }

  /** The same from a current fit that is near: it saves time, and changes the result by no more than rounding. */
  refit(members: readonly number[]): Energies[] {
    return this.#settle((sought, guess) => fit(sought, members, { guess }));
  }

  /** Takes the space that client k shows by itself. */
  fitOwn(k: number): Energies[] {
    return this.#settle((sought) => spaceOfClient(sought, k));
  }

  /** Takes one step of a weighted fit from the current one. */
  reweigh(weights: readonly number[]): { readonly energies: Energies[]; readonly moved: number } {
    const before = this.#fit;
    const energies = this.#settle((sought, from) => iterate(sought, weights, from));
    return { energies, moved: Math.max(...pairs(before, this.#fit).map((p) => movement(...p))) };
  }

  #settle(fitted: (sought: Sought, current: Matrix) => Matrix): Energies[] {
    const none = new Matrix(0, 0);
    this.#fit = this.#sought.map((sought, v) => fitted(sought, this.#fit[v] ?? none));
    return pairs(this.#sought, this.#fit).map((p) => energiesOf(...p));
  }

  /** Of every member about the fit without it; the current fit is the one to all members. */
  fitWithoutOne(members: readonly number[]): Energies[] {
    return pairs(this.#sought, this.#fit).map(([sought, basis]) =>
      energiesWithoutOne(sought, members, basis),
    );
  }

  /** |S_k|_F of every client by outlier pursuit (section 2.1). */
  pursueOutliers(): (readonly number[])[] {
    return this.#sought.map(({ view, rank }) => {
      const lambda = 1.05 * Math.sqrt((2 * rank) / view.blocks.length);
      return outlierPursuit(view.blocks, lambda).blockNorms;
    });
  }

  /** Step 6: the current fit in the module's own coordinates. @param members that it was fitted to */
  space(members: readonly number[]): SharedSpace {
    return this.#lift(this.#sought, this.#fit, members);
  }

  /** The space of the same rank that fits these clients, and nobody else. @param clients at least one */
  spaceOf(clients: readonly number[]): SharedSpace {
    const rank = this.#sought[0]?.rank ?? 0;
    const all = [...clients.keys()];
    // Fewer clients may have fewer directions than the space had.
    if (this.#options.centered) this.centre(clients);
    const sought = this.#viewsOf(pick(this.#compared, clients), rank).map((view) => {
      return { view, rank: Math.min(rank, rowsOf(view)) };
    });
    const bases = sought.map((one) => fit(one, all));
    return this.#lift(sought, bases, all);
  }

  #lift(
    sought: readonly Sought[],
    bases: readonly Matrix[],
    members: readonly number[],
  ): SharedSpace {
    const lifted = pairs(sought, bases).map(([{ view }, basis]): [Side, Matrix] => {
      return [view.side, view.lift(basis, members)];
    });
    const sides: Partial<Record<Side, Matrix>> = Object.fromEntries(lifted);
    this.#space = { rank: sought[0]?.rank ?? 0, ...sides };
    return this.#space;
  }

  /** Step 7. */
  refine(members: Members, options: RefineOptions): Refined {
    return refineModule(pick(this.#changes, members.clients), this.#space, members, options);
  }

  /** Row by row. */
  refineToUpdates(members: Members, options: RefineOptions): RefinedUpdates {
    return asUpdates(this.refine(members, options));
  }

  /** As pairs of the ranks that the clients' own have. */
  refineToPairs(members: Members, options: RefineOptions): Map<string, RefinedPair> {
    const changes = pick(this.#changes, members.clients);
    return asPairs(this.refine(members, options), changes, this.#space);
  }

  /** ⟨PX_i, PX_j⟩ of the members, K×K. */
  gramInside(members: readonly number[]): Matrix {
    return gramInside(pick(this.#changes, members), this.#space);
  }

  /** |QX|/|PX| of every client in the module's own coordinates; infinite outside altogether, 0 of one that did not change it. */
  tangents(): number[] {
    return this.#changes.map((change) => tangentTo(this.#space, change));
  }
}

function isBounded(data: ArrayLike<number>): boolean {
  // Not with every(): it takes five times as long, and this looks at all that was sent.
  for (let i = 0; i < data.length; i++)
    if (!(Math.abs(data[i] ?? NaN) <= largestEntry)) return false;
  return true;
}
