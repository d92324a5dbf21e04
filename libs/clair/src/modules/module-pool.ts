import { countThreads } from "#clair-platform";
import {
  countNumbers,
  isLowRank,
  tensorsOf,
  yieldToEventLoop,
  type LowRank,
  type Delta,
  type TensorDelta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { sum, indices } from "@fedclair/linalg";
import { hostHere, Thread, ThreadPool, type Hosted } from "@fedclair/threads";
import type { ControlKind, Power } from "../judge/controls.js";
import type { SpaceOptions } from "../space/view-measures.js";
import { condense, type Condensed } from "./condense.js";
import { isCompared } from "../updates/sanitise.js";
import { ModuleGroup, type ModuleState } from "./module-state.js";
import { type Comparison, PooledViews } from "../space/module-views.js";
import { inSharedMemory, restore } from "../updates/shared-memory.js";

/** Numbers per thread below which another thread is not worth starting. */
const minNumbersPerThread = 1 << 15;

/**
 * Limits for small rounds: even with a search for the rank they take a tenth of a second, less than
 * starting a thread.
 */
const smallRound = { clients: 64, numbers: 1 << 13, starts: 16 };

/**
 * The same if the rank is set. They take about a hundredth of a second, and messages to threads as
 * long.
 */
const smallRoundOfRank = { clients: 16, numbers: 1 << 17 };

/**
 * Chooses the number of other threads for a round. It is 0 for a small round. Otherwise it is at
 * least 1, so that the event loop is not blocked, and at most the number of cores. It is 0 where
 * there are no threads.
 */
export function threadsFor(
  updates: readonly Update[],
  { starts, rank }: Pick<SpaceOptions, "starts" | "rank">,
): number {
  const numbers = sum(updates.map(({ delta }) => sum([...delta.values()].map(countEntries))));
  const fits = (limits: { readonly clients: number; readonly numbers: number }) =>
    updates.length <= limits.clients && numbers <= limits.numbers;
  const isSmall = fits(smallRound) || (rank !== "auto" && fits(smallRoundOfRank));
  const threads = countThreads();
  if (threads === 0 || (isSmall && starts <= smallRound.starts)) return 0;
  return Math.max(1, Math.min(Math.floor(numbers / minNumbersPerThread), threads));
}

/**
 * Runs `condense` in another thread, if there is one, so that several modules are condensed at
 * once while others are read.
 * @param turn 0, 1, 2 …, which selects one of `countThreads` threads
 */
export async function condenseInThread(
  pairs: readonly LowRank[],
  turn: number,
): Promise<Condensed> {
  if (countThreads() === 0) return condense(pairs);
  const thread = clairThreads.at(turn % countThreads());
  const shared = pairs.map((pair) => inSharedMemory(pair));
  const condenser = thread.host("condenser");
  try {
    return await condenser.ask("condense", shared);
  } finally {
    condenser.drop();
  }
}

/** The clients' changes by module. */
type Changes = readonly (readonly TensorDelta[])[];

/** Neighbouring modules in the same thread: indices `from` … `to` - 1. */
interface Group {
  readonly from: number;
  readonly to: number;
  readonly group: Hosted<ModuleGroup>;
  /** Held here because the thread may read them from a file, which closes with its tensors. */
  readonly changes: Changes;
}

/**
 * All compared modules of a round, in groups of one thread each. Work on single modules runs in all
 * threads at once.
 */
export class ModulePool {
  readonly names: readonly string[];
  /** Whether all clients sent all modules as pairs. */
  readonly arePairs: boolean;
  readonly #groups: readonly Group[];
  readonly #modules: readonly Hosted<ModuleState>[];
  readonly #views: PooledViews[] = [];

  private constructor(names: readonly string[], groups: readonly Group[]) {
    this.names = names;
    this.arePairs = groups.every(({ changes }) => changes.every((own) => own.every(isLowRank)));
    this.#groups = groups;
    this.#modules = groups.flatMap(({ from, to, group }) =>
      indices(to - from).map((m) => group.keep("module", m)),
    );
  }

  /**
   * Distributes the modules over threads. The results are the same to the bit for any number of
   * threads.
   * @param updates one for each client, all with the same modules
   * @param count largest number of other threads; 0 uses this thread
   */
  static async create(
    updates: readonly Update[],
    options: SpaceOptions,
    count: number,
  ): Promise<ModulePool> {
    const names = [...(updates[0]?.delta ?? [])].flatMap(([name, module]) =>
      isCompared(module) ? [name] : [],
    );
    const changes = names.map((name) => updates.flatMap(({ delta }) => delta.get(name) ?? []));
    if (count === 0) {
      const group = hostHere(new ModuleGroup(changes, options));
      return new ModulePool(names, [{ from: 0, to: names.length, group, changes }]);
    }
    const groups: Group[] = [];
    const sizes = changes.map((own) => sum(own.map(countEntries)));
    for (const { from, to } of splitEvenly(sizes, count)) {
      const own = changes.slice(from, to);
      const shared = await shareModules(own);
      const group = clairThreads.at(groups.length).host("modules", shared, options);
      groups.push({ from, to, group, changes: own });
    }
    return new ModulePool(names, groups);
  }

  /**
   * Calls a function for every module.
   * @returns the results, in the order of the modules
   */
  each<T>(ask: (module: Hosted<ModuleState>, m: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#modules.map(ask));
  }

  /**
   * Runs steps 1 to 3 for every module, at least one.
   * @param ranks ranks by module, if they are known
   */
  async views(comparison: Comparison, ranks?: readonly number[]): Promise<PooledViews> {
    const views = await PooledViews.create(
      this.#groups.map(({ from, to, group }) =>
        group.keep("views", comparison, ranks?.slice(from, to)),
      ),
    );
    this.#views.push(views);
    return views;
  }

  /** Releases the modules and their views. They cannot be used afterwards. */
  close(): void {
    const groups = this.#groups.map(({ group }) => group);
    for (const held of [...this.#views, ...this.#modules, ...groups]) held.drop();
  }
}

/** How many numbers a client sent for a module. */
function countEntries(update: TensorDelta): number {
  return sum(tensorsOf(update).map(countNumbers));
}

/** Splits a list into at most `count` nonempty ranges of about the same total. */
function splitEvenly(sizes: readonly number[], count: number): Pick<Group, "from" | "to">[] {
  const share = Math.max(1, sum(sizes) / count);
  let total = 0;
  const owners = sizes.map((size) => Math.floor(((total += size) - size / 2) / share));
  const starts = indices(sizes.length).filter((i) => owners[i] !== owners[i - 1]);
  return starts.map((from, r) => ({ from, to: starts[r + 1] ?? sizes.length }));
}

/**
 * Copies the modules to shared memory with `inSharedMemory`, and yields to the event loop in
 * between.
 */
async function shareModules(modules: Changes): Promise<TensorDelta[][]> {
  const copies: TensorDelta[][] = [];
  for (const own of modules) {
    const module: TensorDelta[] = [];
    for (const update of own) {
      module.push(inSharedMemory(update));
      await yieldToEventLoop();
    }
    copies.push(module);
  }
  return copies;
}

/** The part of an update that CLAIR uses without earlier rounds. */
export type GroupUpdate = Pick<Update, "clientId" | "numExamples" | "delta">;

/** What positive controls show, for clients like those that they were planted among. */
interface PositiveControls {
  readonly power: Power;
  /** The kinds that a client who does not stand out is cleared of. */
  readonly cleared: readonly ControlKind[];
}

/** The judgement of one group, as plain data. */
export interface JudgedGroup {
  /** The mean of the clients that take part in what the group shares, as a sum of terms. */
  readonly change: readonly Delta[];
  /** The weight of the mean. */
  readonly weight: number;
  /** One for each client, in the order of the updates. */
  readonly verdicts: readonly Verdict[];
  readonly contaminated: number;
  readonly inactive: number;
  /** The positive controls in the group; absent if none were planted. */
  readonly controls: PositiveControls | undefined;
  /** What may surprise about the group. */
  readonly notice: string | undefined;
}

/** What `worker.ts` creates in a thread. */
export interface ThreadObjects {
  /** @param updates updates by module, then by client */
  modules(updates: readonly (readonly TensorDelta[])[], options: SpaceOptions): ModuleGroup;
  clients(
    updates: readonly GroupUpdate[],
    options: SpaceOptions,
  ): { judge(power: Power | undefined): Promise<JudgedGroup> };
  condenser(): { condense(pairs: readonly LowRank[]): Condensed };
}

/** Threads that rounds share, at most one for each core. */
export const clairThreads = new ThreadPool(
  () =>
    new Thread<ThreadObjects>(new URL(import.meta.resolve("#module-thread")), {
      name: "a thread of CLAIR",
      idleMs: 10_000,
      restore,
    }),
);
