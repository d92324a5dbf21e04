import { item, type Matrix } from "@fedclair/linalg";
import type { Hosted } from "@fedclair/threads";
import { search } from "./search.js";
import type { Side } from "../updates/change.js";
import {
  computeEnergies,
  fit,
  leaveOut,
  fitOwn,
  ModuleReweighing,
  computeVisibleShares,
  type RankedView,
  type View,
} from "./fit.js";
import type { SharedSpace } from "./projection.js";
import type { Energies, Reweighing, SpaceOptions, Views } from "./view-measures.js";

/** The clients to compare, and how to compare them. */
export interface Comparison {
  readonly clients: readonly number[];
  /** The mean that is subtracted from every change first; none by default. */
  readonly centre?: Centre;
  /**
   * Clients that are known to fit one space, as indices into `clients`. If absent, they are
   * searched.
   */
  readonly core?: readonly number[];
  /**
   * Changes, or what is left after subtracting the mean, with a norm up to this value count as
   * zero.
   */
  readonly leastNorm: number;
}

/** The mean of some clients. */
export interface Centre {
  readonly clients: readonly number[];
  /** Whether the mean is scaled to each change; see `fitCommonScale`. */
  readonly isScaled: boolean;
}

/** The views of one module or of several, in this thread or in others. */
interface HostedViews extends Views {
  describe(): ViewsDescription;
  /** The same views for spaces of another dimension. */
  ofRank(rank: number): HostedViews | Promise<HostedViews>;
  /** Step 4, for these modules only. */
  search(options: SpaceOptions): Promise<readonly number[]>;
  /** Step 6: the spaces that fit the members best, in the modules' own coordinates, by module. */
  spaces(members: readonly number[]): SharedSpace[] | Promise<SharedSpace[]>;
}

interface ViewsDescription extends Pick<Views, "size" | "isZero"> {
  /** The dimension of the wanted space, by module. */
  readonly ranks: readonly number[];
}

/** The views of one module. */
export class ModuleViews implements HostedViews {
  readonly #ranked: readonly RankedView[];
  readonly isZero: Views["isZero"];
  /**
   * Views by rank, shared by all views that differ only in the rank, so that no search is repeated.
   */
  readonly #byRank: Map<number, ModuleViews>;
  #searchResult: Promise<readonly number[]> | undefined;

  constructor(views: readonly View[], rank: number, byRank = new Map<number, ModuleViews>()) {
    this.#ranked = views.map((view) => ({ view, rank: Math.min(rank, view.stack.rows) }));
    this.isZero = views.map(({ isZero }) => isZero);
    this.#byRank = byRank.set(rank, this);
  }

  get size(): number {
    return item(this.#ranked, 0).view.blocks.length;
  }

  describe(): ViewsDescription {
    const { size, isZero } = this;
    return { size, isZero, ranks: [item(this.#ranked, 0).rank] };
  }

  fit(members: readonly number[]): Energies[] {
    return this.#ranked.map((ranked) => computeEnergies(ranked, fit(ranked, members)));
  }

  fitOwn(k: number): Energies[] {
    return this.#ranked.map((ranked) => computeEnergies(ranked, fitOwn(ranked, k)));
  }

  visibleShares(): number[][] {
    return this.#ranked.map(computeVisibleShares);
  }

  reweighing(): ModuleReweighing {
    return new ModuleReweighing(this.#ranked);
  }

  leaveOut(members: readonly number[], folds: number): Energies[] {
    return this.#ranked.map((ranked) => leaveOut(ranked, members, folds));
  }

  ofRank(rank: number): ModuleViews {
    const views = this.#ranked.map(({ view }) => view);
    return this.#byRank.get(rank) ?? new ModuleViews(views, rank, this.#byRank);
  }

  /**
   * Searches once and returns the cached result afterwards.
   * @param options must be the same in every call
   */
  search(options: SpaceOptions): Promise<readonly number[]> {
    return (this.#searchResult ??= search(this, options));
  }

  spaces(members: readonly number[]): SharedSpace[] {
    const lifted = this.#ranked.map((ranked): [Side, Matrix] => {
      const { view } = ranked;
      return [view.side, view.lift(fit(ranked, members), members)];
    });
    const sides: Partial<Record<Side, Matrix>> = Object.fromEntries(lifted);
    return [{ rank: item(this.#ranked, 0).rank, ...sides }];
  }
}

/** Views of several modules together, in their order. */
export class PooledViews implements HostedViews {
  readonly size: number;
  readonly isZero: Views["isZero"];
  readonly ranks: readonly number[];
  readonly #parts: readonly Hosted<HostedViews>[];

  private constructor(
    parts: readonly Hosted<HostedViews>[],
    descriptions: readonly ViewsDescription[],
  ) {
    [this.size, this.#parts] = [item(descriptions, 0).size, parts];
    this.isZero = descriptions.flatMap(({ isZero }) => isZero);
    this.ranks = descriptions.flatMap(({ ranks }) => ranks);
  }

  /** @param parts at least one */
  static async create(parts: readonly Hosted<HostedViews>[]): Promise<PooledViews> {
    return new PooledViews(parts, await Promise.all(parts.map((part) => part.ask("describe"))));
  }

  describe(): ViewsDescription {
    const { size, isZero, ranks } = this;
    return { size, isZero, ranks };
  }

  async fit(members: readonly number[]): Promise<Energies[]> {
    return (await this.#each((part) => part.ask("fit", members))).flat();
  }

  async fitOwn(k: number): Promise<Energies[]> {
    return (await this.#each((part) => part.ask("fitOwn", k))).flat();
  }

  async visibleShares(): Promise<(readonly number[])[]> {
    return (await this.#each((part) => part.ask("visibleShares"))).flat();
  }

  reweighing(): Reweighing {
    const parts = this.#parts.map((part) => part.keep("reweighing"));
    return {
      energies: async () => (await Promise.all(parts.map((part) => part.ask("energies")))).flat(),
      step: async (weights) => {
        const steps = await Promise.all(parts.map((part) => part.ask("step", weights)));
        return {
          energies: steps.flatMap(({ energies }) => energies),
          moved: Math.max(...steps.map(({ moved }) => moved)),
        };
      },
      drop: () => {
        for (const part of parts) part.drop();
      },
    };
  }

  async leaveOut(members: readonly number[], folds: number): Promise<Energies[]> {
    return (await this.#each((part) => part.ask("leaveOut", members, folds))).flat();
  }

  ofRank(rank: number): Promise<PooledViews> {
    return PooledViews.create(this.#parts.map((part) => part.keep("ofRank", rank)));
  }

  /** Searches in the thread of the modules if all of them are in the same one. */
  search(options: SpaceOptions): Promise<readonly number[]> {
    const [first, ...others] = this.#parts;
    return first && others.length === 0 ? first.ask("search", options) : search(this, options);
  }

  async spaces(members: readonly number[]): Promise<SharedSpace[]> {
    return (await this.#each((part) => part.ask("spaces", members))).flat();
  }

  /** Releases the views. They cannot be used afterwards. */
  drop(): void {
    for (const part of this.#parts) part.drop();
  }

  #each<T>(ask: (part: Hosted<HostedViews>) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#parts.map(ask));
  }
}
