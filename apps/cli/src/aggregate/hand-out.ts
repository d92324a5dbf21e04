import { join } from "node:path";
import { bestPair, bestPairs, toLowRank, type BestPair, type Factors } from "@fedclair/aggregators";
import {
  deltaShape,
  toDense,
  isLowRank,
  toMatrix,
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
import { addScaled, item, Matrix, sum } from "@fedclair/linalg";
import { readPair, writeAdapter, type Adapter, type FiledPair } from "../adapters/peft.js";
import type { SentRound } from "./read-round.js";

/** What was written. */
export interface HandedOut {
  /** Clients that got an adapter of their own. */
  readonly personal: readonly string[];
  readonly hasGlobal: boolean;
  /** Share of the energy that the adapters' ranks cannot hold, the mean over adapters and modules. */
  readonly discarded: number;
}

/** An adapter to be written: the sum of its parts. */
interface Target {
  readonly folder: string;
  /** Whose configuration, ranks and types it gets. */
  readonly like: Adapter;
  /** What it was. */
  readonly start: Adapter | undefined;
  /** What was added. */
  readonly terms: readonly Delta[];
}

/**
 * Writes what a round comes to: `global`, the adapter for all, and `personal/<client>` for each that has its own.
 * @param rank of what is written; undefined: that of the clients' own, for all the largest of theirs
 */
export async function handOut(
  out: string,
  { adapters, starts, globalStart }: SentRound,
  { change, personal }: Aggregation,
  rank: number | undefined,
): Promise<HandedOut> {
  const targets: Target[] = [];
  const largest = [...adapters.values()].reduce((most, one) =>
    ranksOf(one) > ranksOf(most) ? one : most,
  );
  if (change.length > 0) {
    // Of what is no pair nobody made a mean.
    const like = { ...largest, others: new Map() };
    targets.push({
      folder: join(out, "global"),
      like: ofRank(like, rank),
      ...{ start: globalStart, terms: change },
    });
  }
  for (const [client, terms] of personal ?? []) {
    const like = adapters.get(client);
    if (like === undefined) continue;
    targets.push({
      folder: join(out, "personal", client),
      like: ofRank(like, rank),
      ...{ start: starts.get(client), terms },
    });
  }
  for (const { terms } of targets) checkModules(terms, largest);
  const pairs = targets.map(() => new Map<string, LowRank>());
  const tails: number[] = [];
  for (const [module, { b, a }] of largest.modules) {
    const startOf = readOnce(module);
    const shape = [b.shape[0] ?? 0, a.shape[1] ?? 0] as const;
    const best = bestOf(
      targets.map(({ start, terms }) => [...startOf(start), ...termsOf(terms, module, shape)]),
      targets.map(({ like }) => like.modules.get(module)?.a.shape[0] ?? 0),
      shape,
    );
    best.forEach((pair, t) => {
      item(pairs, t).set(module, inSingle(toLowRank(pair)));
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

/** @throws UserError for a change of a module that the adapters lack: it would be lost without a word */
function checkModules(terms: readonly Delta[], { modules }: Adapter): void {
  const unknown = terms.flatMap((term) => [...term.keys()]).find((name) => !modules.has(name));
  if (unknown === undefined) return;
  throw new UserError(
    `the aggregate changes module '${oneLine(unknown)}', which the adapters lack`,
    exitCodes.stopped,
  );
}

/** @throws UserError for a term of another shape, as a plug-in may make it */
function termsOf(
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

/** The pair of a module; of an adapter that several began with the same object. */
function readOnce(module: string): (start: Adapter | undefined) => readonly LowRank[] {
  const known = new Map<Adapter, LowRank>();
  return (start) => {
    const filed = start?.modules.get(module);
    if (start === undefined || filed === undefined) return [];
    const pair = known.get(start) ?? readPair(filed);
    known.set(start, pair);
    return [pair];
  };
}

/** As it is stored at most: half of the memory. */
function inSingle({ b, a }: LowRank): LowRank {
  const single = ({ shape, data }: Tensor) => ({ shape, data: Float32Array.from(data) });
  return { b: single(b), a: single(a) };
}

/** The same adapter with another rank in all modules, and a scale of 1. */
function ofRank(adapter: Adapter, rank: number | undefined): Adapter {
  if (rank === undefined) return adapter;
  const { config, modules, others } = adapter;
  const plain = {
    r: rank,
    lora_alpha: rank,
    use_rslora: false,
    rank_pattern: {},
    alpha_pattern: {},
  };
  const resized = [...modules].map(([name, { b, a }]): [string, FiledPair] => {
    const [rows = 0] = b.shape;
    const [, columns = 0] = a.shape;
    return [
      name,
      { b: { ...b, shape: [rows, rank] }, a: { ...a, shape: [rank, columns] }, scale: 1 },
    ];
  });
  return { config: { ...config, ...plain }, modules: new Map(resized), others };
}

function ranksOf({ modules }: Adapter): number {
  return sum([...modules.values()].map(({ a }) => a.shape[0] ?? 0));
}

/** Sums of changes of one module as the best pairs of the ranks. @param shape p×q of the module */
function bestOf(
  sums: readonly (readonly TensorDelta[])[],
  ranks: readonly number[],
  [rows, columns]: readonly [number, number],
): BestPair[] {
  if (!sums.flat().every(isLowRank)) {
    return sums.map((parts, t) => {
      const whole = new Matrix(rows, columns);
      for (const part of parts) addScaled(whole, 1, toDense(part));
      return bestPair(whole, item(ranks, t));
    });
  }
  // A tensor that several parts share stays one matrix.
  const matrices = { b: new Map<Tensor, Matrix>(), a: new Map<Tensor, Matrix>() };
  const pairs = new Map<LowRank, Factors>();
  const factors = (pair: LowRank): Factors => {
    const known = pairs.get(pair) ?? { b: matrix("b", pair.b), a: matrix("a", pair.a) };
    pairs.set(pair, known);
    return known;
  };
  const matrix = (side: "b" | "a", tensor: Tensor): Matrix => {
    const known = matrices[side].get(tensor) ?? toMatrix(tensor);
    matrices[side].set(tensor, known);
    return known;
  };
  const nothing = { shape: [rows, 1], data: new Float64Array(rows) };
  const none: LowRank = { b: nothing, a: { shape: [1, columns], data: new Float64Array(columns) } };
  const changes = sums.map((parts) => [...parts.filter(isLowRank), none].map(factors));
  return bestPairs(changes, ranks, {
    lefts: [...matrices.b.values()],
    rights: [...matrices.a.values()].map((a) => a.transpose()),
  });
}
