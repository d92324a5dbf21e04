import { availableParallelism } from "node:os";
import {
  sizeOf,
  tensorsOf,
  yieldToEventLoop,
  type LowRank,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import type { Condensed } from "../condense.js";
import { indices } from "../lists.js";
import { isCompared } from "../modules.js";
import type { ClairOptions } from "../options.js";
import { ModuleGroup, type Comparison, type ModuleState } from "./module-state.js";
import { PooledViews } from "./module-views.js";
import { hostHere, Thread, type Hosted } from "./thread.js";
import { inSharedMemory } from "./transfer.js";

/** Of fewer numbers for each, threads are not worth their start. */
const minNumbersPerThread = 1 << 15;

/**
 * A round of no more clients and numbers, searched from no more starts, takes a tenth of a second where the rank is searched too, less
 * than the start of a thread.
 */
const smallRound = { clients: 64, numbers: 1 << 13, starts: 16 };

/**
 * How many other threads a round is worth: at most as many as there are cores, and at least one, so that it does not hold up the event
 * loop; none of a small round.
 */
export function threadsFor(
  updates: readonly Update[],
  { solver, starts, subsetStarts }: ClairOptions,
): number {
  const numbers = sum(updates.map(({ delta }) => sum([...delta.values()].map(countNumbers))));
  const isSmall = updates.length <= smallRound.clients && numbers <= smallRound.numbers;
  const isSearched = solver === "trimmed" && subsetStarts === "auto" && starts <= smallRound.starts;
  if (isSmall && isSearched) return 0;
  return Math.max(1, Math.min(Math.floor(numbers / minNumbersPerThread), availableParallelism()));
}

/** Threads that rounds share. Started when first needed. */
const threads: Thread[] = [];

function getThread(i: number): Thread {
  const thread = threads[i];
  if (thread?.isAlive === true) return thread;
  return (threads[i] = new Thread(new URL("./worker.js", import.meta.url)));
}

/**
 * `condense` in another thread, so that several modules are condensed at once while others are read.
 * @param turn 0, 1, 2 …: which of `availableParallelism` threads
 */
export async function condenseInThread(
  pairs: readonly LowRank[],
  turn: number,
): Promise<Condensed> {
  const thread = getThread(turn % availableParallelism());
  const group: Hosted<ModuleGroup> = thread.host([pairs.map((pair) => inSharedMemory(pair))], {});
  const module = group.keep("module", 0);
  try {
    return await module.ask("condense");
  } finally {
    module.drop();
    group.drop();
  }
}

/** Neighbouring modules that lie in one thread: numbers `from` … `to` - 1. */
interface Group {
  readonly from: number;
  readonly to: number;
  readonly group: Hosted<ModuleGroup>;
}

/** All modules of a round that are compared, in groups that lie in a thread each. What is computed of each module alone goes on in all threads at once. */
export class ModulePool {
  readonly names: readonly string[];
  readonly #groups: readonly Group[];
  readonly #modules: readonly Hosted<ModuleState>[];
  readonly #views: PooledViews[] = [];

  private constructor(names: readonly string[], groups: readonly Group[]) {
    this.names = names;
    this.#groups = groups;
    this.#modules = groups.flatMap(({ from, to, group }) =>
      indices(to - from).map((m) => group.keep("module", m)),
    );
  }

  /**
   * @param updates of the same modules, by client
   * @param count of other threads, at most; 0: in this one. The results do not depend on it, to the bit
   */
  static async create(
    updates: readonly Update[],
    options: ClairOptions,
    count: number,
  ): Promise<ModulePool> {
    const names = [...(updates[0]?.delta ?? [])].flatMap(([name, module]) =>
      isCompared(module) ? [name] : [],
    );
    const changes = names.map((name) => updates.flatMap(({ delta }) => delta.get(name) ?? []));
    if (count === 0) {
      const group = hostHere(new ModuleGroup(changes, options));
      return new ModulePool(names, [{ from: 0, to: names.length, group }]);
    }
    const groups: Group[] = [];
    const sizes = changes.map((own) => sum(own.map(countNumbers)));
    for (const { from, to } of splitEvenly(sizes, count)) {
      const own = await shareModules(changes.slice(from, to));
      groups.push({ from, to, group: getThread(groups.length).host(own, options) });
    }
    return new ModulePool(names, groups);
  }

  /** Asks every module. @returns the answers, in the order of the modules */
  each<T>(ask: (module: Hosted<ModuleState>, m: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#modules.map(ask));
  }

  /** Steps 1 to 3 of every module, at least one. @param ranks by module, where they are known */
  async views(comparison: Comparison, ranks?: readonly number[]): Promise<PooledViews> {
    const views = await PooledViews.create(
      this.#groups.map(({ from, to, group }) =>
        group.keep("views", comparison, ranks?.slice(from, to)),
      ),
    );
    this.#views.push(views);
    return views;
  }

  /** Lets go of the modules and their views: nothing may be asked any more. */
  close(): void {
    const groups = this.#groups.map(({ group }) => group);
    for (const held of [...this.#views, ...this.#modules, ...groups]) held.drop();
  }
}

/** How many numbers a client sent for a module. */
function countNumbers(update: TensorDelta): number {
  return sum(tensorsOf(update).map(({ shape }) => sizeOf(shape)));
}

/** Parts a list into at most `count` ranges of about the same total, none of them empty. */
function splitEvenly(sizes: readonly number[], count: number): Pick<Group, "from" | "to">[] {
  const share = Math.max(1, sum(sizes) / count);
  let total = 0;
  const owners = sizes.map((size) => Math.floor(((total += size) - size / 2) / share));
  const starts = indices(sizes.length).filter((i) => owners[i] !== owners[i - 1]);
  return starts.map((from, r) => ({ from, to: starts[r + 1] ?? sizes.length }));
}

/** In memory that threads share, see `inSharedMemory`. Gives way to the event loop while it copies. */
async function shareModules(
  modules: readonly (readonly TensorDelta[])[],
): Promise<TensorDelta[][]> {
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
