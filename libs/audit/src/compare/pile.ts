import { availableParallelism } from "node:os";
import {
  condenseInThread,
  selectModule,
  expandCondensed,
  type Condensed,
  type RankedPair,
} from "@fedclair/clair";
import { readNumbers, yieldToEventLoop, type LowRank, type Update } from "@fedclair/core";
import type { Allocate } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { openAdapters } from "../adapters/open-adapters.js";
import { readScaledPair, type Adapter } from "../adapters/peft.js";
import { findIdentical, findNumberFault, sampleNumbers } from "../adapters/adapter-faults.js";
import { SharedBufferPool } from "./shared-buffers.js";

/** Adapters that can be compared; may be empty. Only the condensed numbers are in memory. */
export interface Pile {
  readonly adapters: ReadonlyMap<string, Adapter>;
  /** The reasons why other adapters cannot be compared, by name. */
  readonly faults: ReadonlyMap<string, string>;
  /** Groups of adapters with other modules or shapes that could be compared with one another. */
  readonly otherForms: readonly (readonly string[])[];
  /** The adapters' changes by module, in the order of `adapters`. */
  readonly modules: ReadonlyMap<string, Condensed>;
  /**
   * All adapters that were read, including those with faults, and their changes by module. They are
   * needed to expand refined changes.
   */
  readonly whole: {
    readonly adapters: ReadonlyMap<string, Adapter>;
    readonly modules: ReadonlyMap<string, readonly LowRank[]>;
  };
  /** Groups of adapters with identical numbers. Only the first of each group is compared. */
  readonly identical: readonly (readonly string[])[];
}

/**
 * Reads adapters module by module, so that together they can be larger than memory.
 * @param onProgress called after each module
 */
export async function readPile(
  folders: readonly AdapterFolder[],
  onProgress: (done: number, modules: number) => void = () => undefined,
): Promise<Pile> {
  const { opened, faults, otherForms } = await openAdapters(folders);
  const names = [...opened.keys()];
  const samples = new Map(names.map((name): [string, string[]] => [name, []]));
  const condensed: Promise<readonly [string, Condensed]>[] = [];
  const modules = [...(opened.values().next().value?.modules.keys() ?? [])];
  const memory = new SharedBufferPool();
  let done = 0;
  for (const [turn, module] of modules.entries()) {
    // Limits how many modules are in memory uncondensed.
    await condensed[turn - availableParallelism() - 1];
    const pairs = [...opened].map(([name, adapter]) => {
      const { pair, fault } = readFinitePair(adapter, module, (bytes) => memory.take(bytes));
      if (fault === undefined) samples.get(name)?.push(sampleNumbers(pair));
      else if (!faults.has(name)) faults.set(name, fault);
      return pair;
    });
    const own = condenseInThread(pairs, turn).then((own) => {
      memory.release(pairs, own.pairs);
      onProgress(++done, modules.length);
      return [module, own] as const;
    });
    condensed.push(own);
    await yieldToEventLoop();
  }
  // In the order of the modules, so that sums over them are identical bit for bit in every run.
  const all = new Map(await Promise.all(condensed));
  const sound = names.map((name) => !faults.has(name));
  const isSound = (_: unknown, k: number) => sound[k] === true;
  const rows = [...names.keys()].filter((k) => sound[k]);
  const adapters = new Map([...opened].filter(isSound));
  return {
    adapters,
    faults,
    otherForms,
    modules: new Map(
      [...all].map(([module, own]) => [
        module,
        {
          pairs: own.pairs.filter(isSound),
          rowProducts: own.rowProducts.among(rows),
          ...selectModule(own, rows),
        },
      ]),
    ),
    whole: {
      adapters: opened,
      modules: new Map([...all].map(([module, { pairs }]) => [module, pairs])),
    },
    identical: findIdentical(adapters, samples),
  };
}

/** Selects the changes of adapters as updates that CLAIR compares. */
export function selectUpdates({ adapters, modules }: Pile): Update[] {
  return [...adapters.keys()].map((clientId, k) => {
    const delta = new Map([...modules].map(([module, { pairs }]) => [module, item(pairs, k)]));
    return { clientId, numExamples: 1, delta, metrics: {} };
  });
}

/**
 * Expands refined pairs to the modules' own coordinates.
 * @param refined condensed, by module, then by adapter
 */
export function expandAll(
  { whole: { adapters, modules } }: Pile,
  refined: ReadonlyMap<string, ReadonlyMap<string, RankedPair>>,
): Map<string, Map<string, RankedPair>> {
  return new Map(
    [...refined].map(([module, own]) => {
      const pairs = [...adapters.values()].map((adapter) => readFinitePair(adapter, module).pair);
      const changes = [...own.values()].map(({ pair }) => pair);
      const expanded = expandCondensed(pairs, modules.get(module) ?? [], changes);
      const entries = [...own].map(([name, refined], k): [string, RankedPair] => {
        return [name, { ...refined, pair: item(expanded, k) }];
      });
      return [module, new Map(entries)];
    }),
  );
}

/** Reads a pair. If its numbers cannot be used, returns zeros and the reason. */
function readFinitePair(
  { modules }: Adapter,
  module: string,
  allocate?: Allocate,
): { readonly pair: LowRank; readonly fault?: string } {
  const filed = modules.get(module);
  if (filed === undefined) throw new TypeError(`pairIn: no module ${module}`);
  const pair = readScaledPair(filed, allocate);
  const fault = findNumberFault(module, pair);
  if (fault === undefined) return { pair };
  for (const tensor of [pair.b, pair.a]) readNumbers(tensor).fill(0);
  return { pair, fault };
}
