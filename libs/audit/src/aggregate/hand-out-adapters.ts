import { join } from "node:path";
import { toLowRank } from "@fedclair/rules";
import {
  readNumbers,
  type Dense,
  deltaShape,
  shapeText,
  UserError,
  yieldToEventLoop,
  type Aggregation,
  type Delta,
  type LowRank,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import { item, sum } from "@fedclair/linalg";
import { readScaledPair, writeAdapter, type Adapter, type PairInFile } from "../adapters/peft.js";
import { findBestPairs } from "./best-pairs.js";
import type { SentRound } from "./read-round.js";

/** A summary of the adapters that were written. */
export interface HandedOut {
  /** Clients with a personal adapter. */
  readonly personal: readonly string[];
  readonly hasGlobal: boolean;
  /**
   * Share of the energy that does not fit into the adapters' ranks, averaged over adapters and
   * modules.
   */
  readonly discarded: number;
}

/** An adapter to write: the sum of its start and the changes. */
interface Target {
  readonly folder: string;
  /** The adapter that provides configuration, ranks and number types. */
  readonly like: Adapter;
  /** The adapter before the round; undefined if adapters start at zero. */
  readonly start: Adapter | undefined;
  /** The changes to add. */
  readonly terms: readonly Delta[];
}

/**
 * Writes the result of a round: `global`, the adapter for all clients, and `personal/<client>` for
 * each client with an adapter of its own.
 * @param rank of the adapters to write; undefined: the clients' own ranks, and for `global` the
 * largest of them
 */
export async function handOut(
  out: string,
  { adapters, starts, globalStart }: SentRound,
  { change, personal }: Aggregation,
  rank: number | undefined,
): Promise<HandedOut> {
  const targets: Target[] = [];
  const largest = [...adapters.values()].reduce((most, one) =>
    totalRank(one) > totalRank(most) ? one : most,
  );
  if (change.length > 0) {
    // Tensors that are not LoRA pairs are not averaged, so `global` has none.
    const like = { ...largest, others: new Map() };
    targets.push({
      folder: join(out, "global"),
      like: withRank(like, rank),
      start: globalStart,
      terms: change,
    });
  }
  for (const [client, terms] of personal ?? []) {
    const like = adapters.get(client);
    if (like === undefined) continue;
    targets.push({
      folder: join(out, "personal", client),
      like: withRank(like, rank),
      start: starts.get(client),
      terms,
    });
  }
  for (const { terms } of targets) checkModules(terms, largest);
  const pairs = targets.map(() => new Map<string, LowRank>());
  const tails: number[] = [];
  for (const [module, { b, a }] of largest.modules) {
    const startOf = createPairReader(module);
    const shape = [b.shape[0] ?? 0, a.shape[1] ?? 0] as const;
    const best = findBestPairs(
      targets.map(({ start, terms }) => [...startOf(start), ...listTerms(terms, module, shape)]),
      targets.map(({ like }) => like.modules.get(module)?.a.shape[0] ?? 0),
      shape,
    );
    best.forEach((pair, t) => {
      item(pairs, t).set(module, toFloat32Pair(toLowRank(pair)));
      tails.push(pair.tail);
    });
    await yieldToEventLoop();
  }
  for (const [t, { folder, like }] of targets.entries()) {
    await writeAdapter(folder, like, item(pairs, t));
  }
  return {
    personal: [...(personal ?? new Map<string, unknown>()).keys()],
    hasGlobal: change.length > 0,
    discarded: tails.length === 0 ? 0 : sum(tails) / tails.length,
  };
}

/**
 * @throws UserError if a change has a module that the adapters lack, because it would be lost
 * silently
 */
function checkModules(terms: readonly Delta[], { modules }: Adapter): void {
  const unknown = terms.flatMap((term) => [...term.keys()]).find((name) => !modules.has(name));
  if (unknown === undefined) return;
  throw new UserError(
    `the aggregate changes module '${oneLine(unknown)}', which the adapters lack`,
    exitCodes.stopped,
  );
}

/**
 * Lists the changes of one module.
 * @throws UserError if a plug-in has returned a change of another shape
 */
function listTerms(
  terms: readonly Delta[],
  module: string,
  shape: readonly number[],
): readonly TensorDelta[] {
  const parts = terms.flatMap((term) => term.get(module) ?? []);
  const odd = parts.map(deltaShape).find((one) => shapeText(one) !== shapeText(shape));
  if (odd === undefined) return parts;
  throw new UserError(
    `the aggregate's module '${module}' is ${shapeText(odd)}, not ${shapeText(shape)}`,
    exitCodes.stopped,
  );
}

/** Creates a reader for the pairs of a module that returns the same object for the same adapter. */
function createPairReader(module: string): (start: Adapter | undefined) => readonly LowRank[] {
  const cached = new Map<Adapter, LowRank>();
  return (start) => {
    const filed = start?.modules.get(module);
    if (start === undefined || filed === undefined) return [];
    const pair = cached.get(start) ?? readScaledPair(filed);
    cached.set(start, pair);
    return [pair];
  };
}

/** Converts to float32, the widest stored format, to save half of the memory. */
function toFloat32Pair({ b, a }: LowRank): LowRank {
  const single = (tensor: Tensor): Dense => ({
    shape: tensor.shape,
    data: Float32Array.from(readNumbers(tensor)),
  });
  return { b: single(b), a: single(a) };
}

/** Returns the adapter with another rank in all modules and a scale of 1. */
function withRank(adapter: Adapter, rank: number | undefined): Adapter {
  if (rank === undefined) return adapter;
  const { config, modules, others } = adapter;
  const plain = {
    r: rank,
    lora_alpha: rank,
    use_rslora: false,
    rank_pattern: {},
    alpha_pattern: {},
  };
  const resized = [...modules].map(([name, { b, a }]): [string, PairInFile] => {
    const [rows = 0] = b.shape;
    const [, columns = 0] = a.shape;
    return [
      name,
      { b: { ...b, shape: [rows, rank] }, a: { ...a, shape: [rank, columns] }, scale: 1 },
    ];
  });
  return { config: { ...config, ...plain }, modules: new Map(resized), others };
}

function totalRank({ modules }: Adapter): number {
  return sum([...modules.values()].map(({ a }) => a.shape[0] ?? 0));
}
