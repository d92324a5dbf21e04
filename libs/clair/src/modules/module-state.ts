import {
  readNumbers,
  deltaShape,
  isLowRank,
  sizeOf,
  tensorsOf,
  type LowRank,
  type TensorDelta,
} from "@fedclair/core";
import {
  at,
  item,
  leadingLeft,
  multiply,
  multiplyTN,
  sum,
  type Matrix,
  pick,
  zip,
} from "@fedclair/linalg";
import { type Factors, gramOf } from "@fedclair/rules";
import { hostHere } from "@fedclair/threads";
import {
  fitCommonScale,
  toShape,
  combineChanges,
  compressChange,
  innerOfChanges,
  isFactored,
  listOf,
  normOf,
  factorRankOf,
  subtractScaled,
  type Change,
  type ChangeList,
  type Side,
} from "../updates/change.js";
import type { ModuleMeasures } from "../measures/measures.js";
import {
  comparePairs,
  compareRoughly,
  mostColumns,
  type ComparedOthers,
} from "../measures/compare-pairs.js";
import { findRowShape, measureModule, toRowSpaces } from "../measures/module-measures.js";
import { isBounded } from "../updates/sanitise.js";
import { blendChanges, type Blend, type RankedPair } from "../refine/pairs.js";
import { toRefinedPairs, type RefinedPair, toDeltas, type Models } from "../refine/outputs.js";
import type { Refined, Members } from "../refine/common-outside.js";
import { refineModule, type RefineOptions } from "../refine/refine-module.js";
import { chooseRank, createView } from "../space/module-view.js";
import { ModuleUpdate } from "../updates/module-update.js";
import { gramInside, computeTangent, type SharedSpace } from "../space/projection.js";
import { roughRows } from "../space/sketch.js";
import { type View } from "../space/fit.js";
import { ModuleViews, PooledViews, type Centre, type Comparison } from "../space/module-views.js";
import type { SpaceOptions } from "../space/view-measures.js";

/**
 * One module of all clients, with everything that CLAIR computes from single modules. It is
 * immutable: every method returns a value. Code that needs all modules is elsewhere and calls each
 * in turn, so that modules can be in different threads. Clients are indices into the updates.
 */
export class ModuleState {
  readonly #updates: readonly TensorDelta[];
  readonly #options: SpaceOptions;
  readonly #keepsDense: boolean;
  readonly #moduleUpdates: readonly ModuleUpdate[];

  /**
   * @param keepsDense whether dense changes may stay in memory in float64; otherwise they are read
   *   again, one client at a time, each time that they are needed
   */
  constructor(updates: readonly TensorDelta[], options: SpaceOptions, keepsDense: boolean) {
    this.#updates = updates;
    this.#keepsDense = keepsDense;
    this.#moduleUpdates = updates.map((update) => new ModuleUpdate(update, keepsDense));
    this.#options = options;
  }

  /** Step 0: |X|_F of every client's change; NaN if an entry is not finite or exceeds 1e100. */
  norms(): number[] {
    return this.#updates.map((update, k) =>
      tensorsOf(update).every((tensor) => isBounded(readNumbers(tensor)))
        ? item(this.#moduleUpdates, k).norm()
        : NaN,
    );
  }

  /**
   * Runs steps 1 to 3 and returns the views that can be searched.
   * @param rank dimension of the wanted space, if it is known; otherwise the options decide
   */
  async views(
    { clients, centre, core, leastNorm }: Comparison,
    rank?: number,
  ): Promise<ModuleViews> {
    const { side, rankMax, seed } = this.#options;
    const given = rank ?? (this.#options.rank === "auto" ? rankMax : this.#options.rank);
    const blocksOn = this.#createBlockReader(clients, centre);
    const sides: readonly Side[] = side === "both" ? ["left", "right"] : [side];
    const viewsOf = (mostRows?: number) =>
      sides.map((one) =>
        createView(clients.length, blocksOn(one), one, seed, given, leastNorm, mostRows),
      );
    const seekIn = (views: readonly View[]) => new ModuleViews(views, given);
    const views = viewsOf();
    const whole = seekIn(views);
    if (rank !== undefined) return whole;
    const membersAt = async (r: number) => core ?? (await whole.ofRank(r).search(this.#options));
    const isSlow = core === undefined && views.some(({ stack }) => stack.rows > 2 * roughRows);
    const rough = isSlow && this.#options.rank === "auto" ? seekIn(viewsOf(roughRows)) : undefined;
    const roughlyAt = rough && ((r: number) => rough.ofRank(r).search(this.#options));
    return whole.ofRank(await chooseRank(views, this.#options, membersAt, roughlyAt));
  }

  /** Runs step 7 and returns the changes in the module's own shape. */
  refine(
    space: SharedSpace,
    members: Members,
    options: RefineOptions & { readonly models: Models },
  ): Refined {
    const { clients, weights } = members;
    const changes = this.#listChanges(clients);
    const refinement = refineModule(changes, space, weights, options);
    const { personal, meanPersonal, shared, common, extraShares } = toDeltas(
      refinement,
      members,
      space,
      options.models,
    );
    const shape = deltaShape(item(this.#updates, 0));
    return {
      personal: new Map([...personal].map(([id, delta]) => [id, toShape(delta, shape)])),
      meanPersonal: toShape(meanPersonal, shape),
      ...(shared && { shared: toShape(shared, shape) }),
      ...(common && { common: toShape(common, shape) }),
      extraShares,
    };
  }

  /**
   * Refines into pairs with the ranks of the clients' own pairs.
   * @throws TypeError if changes are dense
   */
  refineToPairs(
    space: SharedSpace,
    { clients, ids, weights }: Members,
    options: RefineOptions,
  ): Map<string, RefinedPair> {
    const changes = this.#toChanges(clients);
    const norms = pick(this.#moduleUpdates, clients).map((own) => own.norm());
    const refinement = refineModule(listOf(changes), space, weights, options);
    return new Map(zip(ids, toRefinedPairs(refinement, changes, norms, space, weights)));
  }

  /**
   * Blends every member's change with the mean of the others, in pairs with the ranks of the
   * clients' own pairs.
   * @throws TypeError if changes are dense
   */
  blendToPairs({ clients, ids, weights }: Members, blend: Blend): Map<string, RankedPair> {
    return new Map(zip(ids, blendChanges(this.#toChanges(clients), weights, blend)));
  }

  /**
   * Compares the clients with each other.
   * @param sizes s_k > 0, such that |X_k|/s_k has a finite square
   * @param others only if all changes are pairs; by default all are compared with all
   */
  async compare(
    clients: readonly number[],
    sizes: readonly number[],
    others?: ComparedOthers,
  ): Promise<ComparedModule> {
    const own = pick(this.#updates, clients);
    const pairs = this.#listPairs(clients);
    if (!pairs) return { gram: await compareInDouble(own, sizes) };
    const norms = pick(this.#moduleUpdates, clients).map((one) => one.norm());
    const { gram, rowProducts } = await comparePairs(pairs, sizes, norms, others);
    const shape = findRowShape(own);
    return { gram, ...(shape && { rowSpaces: toRowSpaces(rowProducts, shape) }) };
  }

  /**
   * Compares the clients' pairs by sketches.
   * @returns about ⟨X_i, X_j⟩/(s_i·s_j), K×K
   */
  compareRoughly(clients: readonly number[], sizes: readonly number[]): Promise<Matrix> {
    const pairs = pick(this.#updates, clients).filter(isLowRank);
    return compareRoughly(pairs, sizes, this.#options.seed);
  }

  /** The clients' pairs, if they are so many that they are compared in float32. */
  #listPairs(clients: readonly number[]): LowRank[] | undefined {
    const pairs = pick(this.#updates, clients).filter(isLowRank);
    const isFast =
      pairs.length > mostInDouble &&
      pairs.length === clients.length &&
      pairs.every(({ a: { shape } }) => (shape[0] ?? 0) <= mostColumns);
    return isFast ? pairs : undefined;
  }

  /** ⟨PX_i, PX_j⟩ of the clients, K×K. */
  gramInside(space: SharedSpace, clients: readonly number[]): Matrix {
    return gramInside(this.#toChanges(clients), space);
  }

  /** Measures the clients' changes as they were sent; if they are many, without row spaces. */
  measure(clients: readonly number[]): ModuleMeasures {
    const own = pick(this.#updates, clients);
    return measureModule(own, this.#listPairs(clients) && {});
  }

  /**
   * (Σσ²)²/Σσ⁴ of the clients' singular values, the effective number of directions of each change;
   * 1 for an unchanged module.
   */
  effectiveRanks(clients: readonly number[]): number[] {
    return pick(this.#moduleUpdates, clients).map((own) => own.effectiveRank());
  }

  /**
   * |QX|/|PX| of the clients in the module's own coordinates; infinite completely outside, 0 for an
   * unchanged module.
   */
  tangents(space: SharedSpace, clients: readonly number[]): number[] {
    return pick(this.#moduleUpdates, clients).map((own) =>
      computeTangent(space, (side) => own.compress(side)),
    );
  }

  #toChanges(clients: readonly number[]): readonly Change[] {
    const changes = this.#listChanges(clients);
    return Array.from({ length: changes.count }, (_, k) => changes.at(k));
  }

  /**
   * Lists the clients' changes. If one client sends the module dense, it takes p×q in memory
   * already, so all changes are made dense.
   */
  #listChanges(clients: readonly number[]): ChangeList {
    const own = pick(this.#moduleUpdates, clients);
    return own.every(({ isPair }) => isPair)
      ? listOf(own.map((one) => one.toChange()))
      : { count: own.length, at: (k) => item(own, k).toDense() };
  }

  /**
   * Creates a function that reads the blocks of the clients' changes. With a centre, it subtracts
   * the mean of those clients, reduced to its leading directions.
   */
  #createBlockReader(
    clients: readonly number[],
    centre?: Centre,
  ): (side: Side) => (k: number) => Matrix {
    const own = pick(this.#moduleUpdates, clients);
    if (centre === undefined) return (side) => (k) => item(own, k).compress(side);
    const common = this.#computeCommonPart(clients, centre.clients);
    const square = normOf(common) ** 2;
    const timesOf = (change: Change) =>
      centre.isScaled
        ? fitCommonScale(normOf(change) ** 2, innerOfChanges(change, common), square)
        : 1;
    const difference = (change: Change) => subtractScaled(change, timesOf(change), common);
    if (isFactored(common)) {
      return (side) => (k) => compressChange(difference(item(own, k).toChange()), side);
    }
    if (!this.#keepsDense) {
      return (side) => (k) => compressChange(difference(item(own, k).toDense()), side);
    }
    const dense = own.map((one) => difference(one.toDense()));
    return (side) => (k) => compressChange(item(dense, k), side);
  }

  #computeCommonPart(clients: readonly number[], centre: readonly number[]): Change {
    const changes = this.#listChanges(clients);
    const places = centre.map((k) => clients.indexOf(k));
    const at = (m: number) => changes.at(item(places, m));
    const weights = new Float64Array(places.length).fill(1 / places.length);
    const mean = combineChanges({ count: places.length, at }, weights);
    if (!isFactored(mean)) return mean;
    return keepLeading(mean, 2 * Math.max(...places.map((_, m) => factorRankOf(at(m)))));
  }
}

/**
 * Dense changes of more numbers are not kept in float64, which would take more than 256 MB. Reading
 * them again costs less than the products that they are read for.
 */
const mostKeptNumbers = 1 << 25;

/** How the clients' changes of a module lie to each other. */
export interface ComparedModule {
  /** ⟨X_i, X_j⟩/(s_i·s_j), K×K; NaN where client j was not compared with client i. */
  readonly gram: Matrix;
  /** See `ModuleMeasures`; absent if they are measured. NaN as well. */
  readonly rowSpaces?: Matrix;
}

/** Pairs of more clients are compared in float32, which is more than twice as fast. */
const mostInDouble = 128;

function compareInDouble(
  updates: readonly TensorDelta[],
  sizes: readonly number[],
): Promise<Matrix> {
  // Dense changes are divided block by block, as all of them together may not fit in memory.
  const changes = updates.map((update, k) =>
    isLowRank(update) ? dividePair(update, item(sizes, k)) : update,
  );
  const divisors = updates.map((update, k) => (isLowRank(update) ? 1 : item(sizes, k)));
  return gramOf([changes], divisors);
}

/** Modules in the same thread. */
export class ModuleGroup {
  readonly #modules: readonly ModuleState[];

  /** @param updates updates by module, then by client */
  constructor(updates: readonly (readonly TensorDelta[])[], options: SpaceOptions) {
    const numbers = sum(updates.flat().map((update) => sizeOf(deltaShape(update))));
    const keepsDense = numbers <= mostKeptNumbers;
    this.#modules = updates.map((own) => new ModuleState(own, options, keepsDense));
  }

  module(m: number): ModuleState {
    return item(this.#modules, m);
  }

  /** @param ranks ranks by module, if they are known */
  async views(comparison: Comparison, ranks?: readonly number[]): Promise<PooledViews> {
    const views = this.#modules.map((module, m) => module.views(comparison, ranks?.[m]));
    return PooledViews.create((await Promise.all(views)).map(hostHere));
  }
}

/**
 * Reduces a change to its r leading directions. The common part of many changes has at most their
 * rank. The rest of their mean is each client's own part over the number of clients, in as many
 * columns as all changes together.
 */
function keepLeading({ b, a }: Factors, r: number): Factors {
  if (b.cols <= r) return { b, a };
  const block = compressChange({ b, a }, "left");
  const basis = leadingLeft([block], Math.min(r, block.rows));
  return { b: basis, a: multiply(multiplyTN(basis, b), a) };
}

/** Divides a pair by a number: B is divided. */
function dividePair({ b, a }: LowRank, by: number): LowRank {
  const quotients = Float64Array.from(readNumbers(b));
  for (let i = 0; i < quotients.length; i++) quotients[i] = at(quotients, i) / by;
  return { b: { shape: b.shape, data: quotients }, a };
}
