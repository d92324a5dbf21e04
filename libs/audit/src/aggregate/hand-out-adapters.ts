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
import { readScaledPair, withRank, writeAdapter, type Adapter } from "../adapters/peft.js";
import { findBestPairs } from "./best-pairs.js";
import { electForm } from "./elect-form.js";
import { maxLost, measureLostEnergy } from "./lost-energy.js";
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
  readonly warnings: readonly string[];
}

/** An adapter to write: the sum of its start and the changes. */
interface Target {
  /** Its place in the folder of the result. */
  readonly name: string;
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
 * @param voters the clients that determine the form of `global`: those that it is made of
 * @param rank of the adapters to write; undefined: the clients' own ranks, and for `global` the
 * rank of most voters
 * @throws UserError if `global` loses its energy in the number type and scale of most voters
 */
export async function handOut(
  out: string,
  { adapters, starts, globalStart }: SentRound,
  { change, personal }: Aggregation,
  voters: readonly string[],
  rank: number | undefined,
): Promise<HandedOut> {
  const targets: Target[] = [];
  const warnings: string[] = [];
  const resize = (one: Adapter) => (rank === undefined ? one : withRank(one, rank));
  if (change.length > 0) {
    const elected = electForm(pickVoters(adapters, voters), adapters);
    warnings.push(...elected.warnings);
    targets.push({
      name: "global",
      like: resize(elected.like),
      start: globalStart,
      terms: change,
    });
  }
  for (const [client, terms] of personal ?? []) {
    const like = adapters.get(client);
    if (like === undefined) continue;
    targets.push({
      name: join("personal", client),
      like: resize(like),
      start: starts.get(client),
      terms,
    });
  }
  const [some] = adapters.values(); // all have the same modules and shapes
  const forms = some?.modules ?? new Map<string, never>();
  for (const { terms } of targets) checkModules(terms, forms);
  const pairs = targets.map(() => new Map<string, LowRank>());
  const tails: number[] = [];
  for (const [module, { b, a }] of forms) {
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
  for (const [t, { name, like }] of targets.entries()) {
    const folder = join(out, name);
    await writeAdapter(folder, like, item(pairs, t));
    const lost = await measureLostEnergy(folder, item(pairs, t));
    if (lost <= maxLost) continue;
    const said = describeLoss(name, like, lost);
    if (name === "global") throw new UserError(said);
    warnings.push(`${said}.`); // a client's own settings, which must not end the round of all
  }
  return {
    personal: [...(personal ?? new Map<string, unknown>()).keys()],
    hasGlobal: change.length > 0,
    discarded: tails.length === 0 ? 0 : sum(tails) / tails.length,
    warnings,
  };
}

/** @throws UserError if there is none, although the aggregator has returned a change for all */
function pickVoters(
  adapters: ReadonlyMap<string, Adapter>,
  voters: readonly string[],
): ReadonlyMap<string, Adapter> {
  const picked = new Map([...adapters].filter(([name]) => voters.includes(name)));
  if (picked.size > 0) return picked;
  throw new UserError(
    "the aggregator returned a change for all clients but pooled none, so none can say how global is written",
    exitCodes.stopped,
  );
}

function describeLoss(name: string, { config, modules }: Adapter, lost: number): string {
  const types = [...new Set([...modules.values()].flatMap(({ b, a }) => [b.type, a.type]))];
  const share = Number.isFinite(lost) ? `${(100 * lost).toPrecision(3)} % of its energy` : "all";
  return (
    `${oneLine(name)}: stored as ${types.join(" and ")} with lora_alpha ${config.lora_alpha}, it reads back as something else ` +
    `(${share} is lost): choose --rank, which scales by 1, or have clients save wider numbers`
  );
}

/**
 * @throws UserError if a change has a module that the adapters lack, because it would be lost
 * silently
 */
function checkModules(terms: readonly Delta[], modules: Adapter["modules"]): void {
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
