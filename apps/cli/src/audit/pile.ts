import { availableParallelism } from "node:os";
import {
  condenseInThread,
  expandCondensed,
  type Condensed,
  type RefinedPair,
} from "@fedclair/aggregators";
import { yieldToEventLoop, type LowRank } from "@fedclair/core";
import type { Allocate } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { openAdapters } from "../adapters/open-adapters.js";
import { readPair, type Adapter } from "../adapters/peft.js";
import { identical, numberFault, sampleOf } from "../adapters/unfit.js";

/** Adapters that can be compared, none perhaps. Of their numbers only what `condense` keeps is in memory. */
export interface Pile {
  readonly adapters: ReadonlyMap<string, Adapter>;
  /** Why others cannot be compared, by name. */
  readonly faults: ReadonlyMap<string, string>;
  /** By module: the adapters' changes, in their order. */
  readonly modules: ReadonlyMap<string, Condensed>;
  /** All that were read, unfit ones too, and their changes by module: refined ones are turned back with these. */
  readonly whole: {
    readonly adapters: ReadonlyMap<string, Adapter>;
    readonly modules: ReadonlyMap<string, readonly LowRank[]>;
  };
  /** Groups of adapters that are the same to the last number: the first of each is compared. */
  readonly identical: readonly (readonly string[])[];
}

/**
 * Reads a pile module by module, so that it can be larger than memory.
 * @param onProgress called after each module
 */
export async function readPile(
  folders: readonly AdapterFolder[],
  onProgress: (done: number, modules: number) => void,
): Promise<Pile> {
  const { opened, faults } = await openAdapters(folders);
  const names = [...opened.keys()];
  const samples = new Map(names.map((name): [string, string[]] => [name, []]));
  const condensed: Promise<readonly [string, Condensed]>[] = [];
  const modules = [...(opened.values().next().value?.modules.keys() ?? [])];
  const memory = new SharedRooms();
  let done = 0;
  for (const [turn, module] of modules.entries()) {
    // A few modules at a time are in memory as they were read.
    await condensed[turn - availableParallelism() - 1];
    const pairs = [...opened].map(([name, adapter]) => {
      const { pair, fault } = pairIn(adapter, module, (bytes) => memory.take(bytes));
      if (fault === undefined) samples.get(name)?.push(sampleOf(pair));
      else if (!faults.has(name)) faults.set(name, fault);
      return pair;
    });
    const own = condenseInThread(pairs, turn).then((own) => {
      memory.giveBack(pairs, own.pairs);
      onProgress(++done, modules.length);
      return [module, own] as const;
    });
    condensed.push(own);
    await yieldToEventLoop();
  }
  // In the order of the modules, whichever is done first: sums over them are the same to the bit.
  const all = new Map(await Promise.all(condensed));
  const sound = names.map((name) => !faults.has(name));
  const isSound = (_: unknown, k: number) => sound[k] === true;
  const rows = [...names.keys()].filter((k) => sound[k]);
  const adapters = new Map([...opened].filter(isSound));
  return {
    ...{ adapters, faults },
    modules: new Map(
      [...all].map(([module, { pairs, gram }]) => [
        module,
        { pairs: pairs.filter(isSound), ...(gram && { gram: gram.among(rows) }) },
      ]),
    ),
    whole: {
      adapters: opened,
      modules: new Map([...all].map(([module, { pairs }]) => [module, pairs])),
    },
    identical: identical(adapters, samples),
  };
}

/** Refined pairs in the modules' own coordinates. @param refined by module, by adapter, condensed */
export function expandAll(
  { whole: { adapters, modules } }: Pile,
  refined: ReadonlyMap<string, ReadonlyMap<string, RefinedPair>>,
): Map<string, Map<string, RefinedPair>> {
  return new Map(
    [...refined].map(([module, own]) => {
      const pairs = [...adapters.values()].map((adapter) => pairIn(adapter, module).pair);
      const changes = [...own.values()].map(({ pair }) => pair);
      const expanded = expandCondensed(pairs, modules.get(module) ?? [], changes);
      const entries = [...own].map(([name, refined], k): [string, RefinedPair] => {
        return [name, { ...refined, pair: item(expanded, k) }];
      });
      return [module, new Map(entries)];
    }),
  );
}

/** As it was read; zeros, and why, where entries are no numbers. */
function pairIn(
  { modules }: Adapter,
  module: string,
  allocate?: Allocate,
): { readonly pair: LowRank; readonly fault?: string } {
  const filed = modules.get(module);
  if (filed === undefined) throw new TypeError(`pairIn: no module ${module}`);
  const pair = readPair(filed, allocate);
  const fault = numberFault(module, pair);
  if (fault === undefined) return { pair };
  for (const { data } of [pair.b, pair.a]) data.fill(0);
  return { pair, fault };
}

/** Memory that threads share, so that nothing is copied on its way to another; used again when a module is condensed. */
class SharedRooms {
  readonly #free = new Map<number, ArrayBufferLike[]>();

  take(bytes: number): ArrayBufferLike {
    return this.#free.get(bytes)?.pop() ?? new SharedArrayBuffer(bytes);
  }

  /** @param condensed of the pairs; what `condense` left as it is stays theirs */
  giveBack(pairs: readonly LowRank[], condensed: readonly LowRank[]): void {
    pairs.forEach(({ b, a }, k) => {
      const few = item(condensed, k);
      if (few.b.shape[0] !== b.shape[0]) this.#put(b.data.buffer);
      if (few.a.shape[1] !== a.shape[1]) this.#put(a.data.buffer);
    });
  }

  #put(buffer: ArrayBufferLike): void {
    const free = this.#free.get(buffer.byteLength);
    if (free) free.push(buffer);
    else this.#free.set(buffer.byteLength, [buffer]);
  }
}
