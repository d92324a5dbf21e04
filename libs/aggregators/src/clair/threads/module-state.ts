import { deltaShape, isLowRank, tensorsOf, type Tensor, type TensorDelta } from "@fedclair/core";
import { at, item, leadingLeft, multiply, multiplyTN, type Matrix } from "@fedclair/linalg";
import type { Factors } from "../../factors.js";
import { gramOf } from "../../robust/gram.js";
import { fitCommonScale } from "../common-part.js";
import { condense, type Condensed } from "../condense.js";
import { pick, zip } from "../lists.js";
import { toShape, isBounded } from "../modules.js";
import type { ClairOptions } from "../options.js";
import { toRefinedPairs, type RefinedPair } from "../refinement/pairs.js";
import {
  toDeltas,
  refineModule,
  type Members,
  type Refined,
  type RefineOptions,
} from "../refinement/refine-module.js";
import { chooseRank } from "../search/rank.js";
import {
  combine,
  compress,
  inner,
  isFactored,
  largestRank,
  normOf,
  type Change,
  type Side,
} from "../subspace/change.js";
import { ModuleUpdate } from "../subspace/module-update.js";
import { gramInside, computeTangent, type SharedSpace } from "../subspace/space.js";
import { roughRows } from "../subspace/sketch.js";
import { createView, type View } from "../subspace/view.js";
import { ModuleViews, PooledViews } from "./module-views.js";
import { hostHere } from "./thread.js";
import { inSharedMemory } from "./transfer.js";

/** Which clients are compared, and how. */
export interface Comparison {
  readonly clients: readonly number[];
  /** The clients whose mean is taken out of every change first, with rule `evidence` as often as it has it; none by default. */
  readonly centre?: readonly number[];
  /** Those whose space it is, where they are known: indices into `clients`. Else they are searched. */
  readonly core?: readonly number[];
  /** A change, or what that leaves of it, with a norm up to it counts as zero. */
  readonly leastNorm: number;
}

/**
 * One module as all clients changed it, and what CLAIR computes of it alone. Nothing in it changes: every method answers with a
 * value. What needs all modules is elsewhere and asks each in turn, so that modules can lie in different threads. Clients are
 * indices into what was sent.
 */
export class ModuleState {
  readonly #updates: readonly TensorDelta[];
  readonly #options: ClairOptions;
  readonly #moduleUpdates: readonly ModuleUpdate[];

  constructor(updates: readonly TensorDelta[], options: ClairOptions) {
    this.#updates = updates;
    this.#moduleUpdates = updates.map((update) => new ModuleUpdate(update));
    this.#options = options;
  }

  /** As `condense` says, in memory that threads share. @throws TypeError if changes are dense */
  condense(): Condensed {
    const whole = this.#updates.filter(isLowRank);
    if (whole.length < this.#updates.length)
      throw new TypeError("condense: dense changes have no factors");
    const condensed = condense(whole);
    return { ...condensed, pairs: condensed.pairs.map((pair) => inSharedMemory(pair)) };
  }

  /** Step 0: |X|_F of every client's change; NaN where an entry is not finite, or beyond 1e100. */
  norms(): number[] {
    return this.#updates.map((update, k) =>
      tensorsOf(update).every(({ data }) => isBounded(data))
        ? item(this.#moduleUpdates, k).norm()
        : NaN,
    );
  }

  /**
   * Steps 1 to 3: the clients side by side, ready to be searched.
   * @param rank of the space sought, where it is known; else as the options say
   */
  async views(
    { clients, centre, core, leastNorm }: Comparison,
    rank?: number,
  ): Promise<ModuleViews> {
    const { side, rankMax, pooling } = this.#options;
    const given = rank ?? (this.#options.rank === "auto" ? rankMax : this.#options.rank);
    const blocksOn = this.#createBlockReader(clients, centre);
    const sides: readonly Side[] = side === "both" ? ["left", "right"] : [side];
    const viewsOf = (mostRows?: number) =>
      sides.map((one) =>
        createView(clients.length, blocksOn(one), one, this.#options, given, leastNorm, mostRows),
      );
    const seekIn = (views: readonly View[]) => new ModuleViews(views, given, pooling);
    const views = viewsOf();
    const whole = seekIn(views);
    if (rank !== undefined) return whole;
    const membersAt = async (r: number) => core ?? (await whole.ofRank(r).search(this.#options));
    const isSlow = core === undefined && views.some(({ stack }) => stack.rows > 2 * roughRows);
    const rough = isSlow && this.#options.rank === "auto" ? seekIn(viewsOf(roughRows)) : undefined;
    const roughlyAt = rough && ((r: number) => rough.ofRank(r).search(this.#options));
    return whole.ofRank(await chooseRank(views, this.#options, membersAt, roughlyAt));
  }

  /** Step 7, as it travels: in the module's own shape. */
  refine(space: SharedSpace, members: Members, options: RefineOptions): Refined {
    const { clients, weights } = members;
    const changes = this.#toChanges(clients);
    const refinement = refineModule(changes, this.#computeNorms(clients), space, weights, options);
    const {
      personal,
      meanPersonal,
      shared,
      extraCommon: longer,
      share,
    } = toDeltas(refinement, members, space);
    const shape = deltaShape(item(this.#updates, 0));
    const shaped = (own: ReadonlyMap<string, TensorDelta>) =>
      new Map([...own].map(([id, delta]) => [id, toShape(delta, shape)]));
    return {
      personal: shaped(personal),
      meanPersonal: toShape(meanPersonal, shape),
      ...(shared && { shared: toShape(shared, shape) }),
      extraCommon: shaped(longer),
      share,
    };
  }

  /** The same as pairs of the ranks that the clients' own have. @throws TypeError if changes are dense */
  refineToPairs(
    space: SharedSpace,
    { clients, ids, weights }: Members,
    options: RefineOptions,
  ): Map<string, RefinedPair> {
    const [changes, norms] = [this.#toChanges(clients), this.#computeNorms(clients)];
    const refinement = refineModule(changes, norms, space, weights, options);
    return new Map(zip(ids, toRefinedPairs(refinement, changes, norms, space, weights)));
  }

  #computeNorms(clients: readonly number[]): number[] {
    return pick(this.#moduleUpdates, clients).map((own) => own.norm());
  }

  /** ⟨X_i, X_j⟩/(s_i·s_j) of the clients, K×K. @param sizes s_k > 0 that leave numbers whose squares are numbers */
  gram(clients: readonly number[], sizes: readonly number[]): Promise<Matrix> {
    const own = pick(this.#updates, clients);
    return gramOf([own.map((update, k) => divide(update, item(sizes, k)))]);
  }

  /** ⟨PX_i, PX_j⟩ of the clients, K×K. */
  gramInside(space: SharedSpace, clients: readonly number[]): Matrix {
    return gramInside(this.#toChanges(clients), space);
  }

  /** (Σσ²)²/Σσ⁴ of the clients' singular values: how many directions a change has, 1 of one that did not change it. */
  effectiveRanks(clients: readonly number[]): number[] {
    return pick(this.#moduleUpdates, clients).map((own) => own.effectiveRank());
  }

  /** |QX|/|PX| of the clients in the module's own coordinates; infinite outside altogether, 0 of one that did not change it. */
  tangents(space: SharedSpace, clients: readonly number[]): number[] {
    return pick(this.#moduleUpdates, clients).map((own) =>
      computeTangent(space, (side) => own.compress(side)),
    );
  }

  /** A module that one of the clients sends dense is p×q in memory already: then everybody's is. */
  #toChanges(clients: readonly number[]): readonly Change[] {
    const own = pick(this.#moduleUpdates, clients);
    const arePairs = own.every(({ isPair }) => isPair);
    return own.map((one) => (arePairs ? one.toChange() : one.toDense()));
  }

  /** Gives blocks of the clients' changes; or of what varies in them: without the mean of some, of whose directions the leading ones count. */
  #createBlockReader(
    clients: readonly number[],
    centre?: readonly number[],
  ): (side: Side) => (k: number) => Matrix {
    const own = pick(this.#moduleUpdates, clients);
    if (centre === undefined) return (side) => (k) => item(own, k).compress(side);
    const common = this.#computeCommonPart(clients, centre);
    const square = normOf(common) ** 2;
    const timesOf = (change: Change) =>
      this.#options.rule === "evidence"
        ? fitCommonScale(normOf(change) ** 2, inner(change, common), square)
        : 1;
    const difference = (change: Change) => combine([change, common], [1, -timesOf(change)]);
    if (isFactored(common)) {
      return (side) => (k) => compress(difference(item(own, k).toChange()), side);
    }
    const dense = own.map((one) => difference(one.toDense()));
    return (side) => (k) => compress(item(dense, k), side);
  }

  #computeCommonPart(clients: readonly number[], centre: readonly number[]): Change {
    const changes = this.#toChanges(clients);
    const members = centre.map((k) => item(changes, clients.indexOf(k)));
    const mean = combine(members, new Float64Array(members.length).fill(1 / members.length));
    return isFactored(mean) ? keepLeading(mean, 2 * largestRank(members)) : mean;
  }
}

/** Modules that lie in one thread. */
export class ModuleGroup {
  readonly #modules: readonly ModuleState[];

  /** @param updates by module, by client */
  constructor(updates: readonly (readonly TensorDelta[])[], options: ClairOptions) {
    this.#modules = updates.map((own) => new ModuleState(own, options));
  }

  module(m: number): ModuleState {
    return item(this.#modules, m);
  }

  /** @param ranks by module, where they are known */
  async views(comparison: Comparison, ranks?: readonly number[]): Promise<PooledViews> {
    const views = this.#modules.map((module, m) => module.views(comparison, ranks?.[m]));
    return PooledViews.create((await Promise.all(views)).map(hostHere));
  }
}

/**
 * The part of a change in its r leading directions. What many changes of a rank have in common has no higher one; the rest of their
 * mean is what each has of its own, over their number, in as many columns as all of them have together.
 */
function keepLeading({ b, a }: Factors, r: number): Factors {
  if (b.cols <= r) return { b, a };
  const block = compress({ b, a }, "left");
  const basis = leadingLeft([block], Math.min(r, block.rows));
  return { b: basis, a: multiply(multiplyTN(basis, b), a) };
}

/** An update over a number; of factors b is divided. */
function divide(update: TensorDelta, by: number): TensorDelta {
  const over = ({ shape, data }: Tensor) => {
    const quotients = Float64Array.from(data);
    for (let i = 0; i < quotients.length; i++) quotients[i] = at(quotients, i) / by;
    return { shape, data: quotients };
  };
  return isLowRank(update) ? { b: over(update.b), a: update.a } : over(update);
}
