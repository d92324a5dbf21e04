import { availableParallelism } from "node:os";
import { condenseAside, expand, type Condensed, type RefinedPair } from "@fedclair/aggregators";
import { yieldToEventLoop, type Allocate, type LowRank } from "@fedclair/core";
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
  const all = new Map<string, Condensed>();
  const modules = [...(opened.values().next().value?.modules.keys() ?? [])];
  const pending: Promise<void>[] = [];
  const memory = new SharedRooms();
  for (const [turn, module] of modules.entries()) {
    // A few modules at a time are in memory as they were read.
    if (pending.length > availableParallelism()) await pending.shift();
    const pairs = [...opened].map(([name, adapter]) => {
      const pair = pairIn(adapter, module, (bytes) => memory.take(bytes));
      const fault = faults.get(name) ?? numberFault(module, pair);
      if (fault === undefined) samples.get(name)?.push(sampleOf(pair));
      else faults.set(name, fault);
      return fault === undefined ? pair : emptied(pair);
    });
    const condensed = condenseAside(pairs, turn).then((own) => {
      all.set(module, own);
      memory.giveBack(pairs, own.pairs);
      onProgress(all.size, modules.length);
    });
    pending.push(condensed);
    await yieldToEventLoop();
  }
  await Promise.all(pending);
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
    identical: identical(adapters, samples),
  };
}

/** Refined pairs in the modules' own coordinates. @param refined by module, by adapter, condensed */
export function expandAll(
  { adapters, modules }: Pile,
  refined: ReadonlyMap<string, ReadonlyMap<string, RefinedPair>>,
): Map<string, Map<string, RefinedPair>> {
  return new Map(
    [...refined].map(([module, own]) => {
      const pairs = [...adapters.values()].map((adapter) => pairIn(adapter, module));
      const changes = [...own.values()].map(({ pair }) => pair);
      const expanded = expand(pairs, modules.get(module)?.pairs ?? [], changes);
      const entries = [...own].map(([name, refined], k): [string, RefinedPair] => {
        return [name, { ...refined, pair: item(expanded, k) }];
      });
      return [module, new Map(entries)];
    }),
  );
}

function pairIn({ modules }: Adapter, module: string, allocate?: Allocate): LowRank {
  const pair = modules.get(module);
  if (pair === undefined) throw new TypeError(`pairIn: no module ${module}`);
  return readPair(pair, allocate);
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

/** In the place of numbers that are none. */
function emptied(pair: LowRank): LowRank {
  for (const { data } of [pair.b, pair.a]) data.fill(0);
  return pair;
}
