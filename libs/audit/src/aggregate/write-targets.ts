import { join } from "node:path";
import { toLowRank } from "@fedclair/rules";
import {
  readNumbers,
  type Dense,
  deltaShape,
  shapeText,
  UserError,
  yieldToEventLoop,
  type Delta,
  type LowRank,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import { at, item } from "@fedclair/linalg";
import { readScaledPair, writeAdapter, type Adapter } from "../adapters/peft.js";
import { findBestPairs } from "./best-pairs.js";
import { maxLost, measureLostEnergy } from "./lost-energy.js";

/** An adapter to write: the sum of its start and the changes. */
export interface Target {
  /** Its place in the folder of the result. */
  readonly name: string;
  /** The adapter that provides configuration, ranks and number types. */
  readonly like: Adapter;
  /** The adapter before the round; undefined if adapters start at zero. */
  readonly start: Adapter | undefined;
  /** The changes to add. */
  readonly terms: readonly Delta[];
}

/** What an adapter lost when it was written. */
export interface Written {
  /** Share of the energy that does not fit into the adapter's ranks, averaged over modules. */
  readonly discarded: number;
  /** Set if the stored numbers read back as something else. */
  readonly loss?: string;
}

/**
 * Writes adapters with the best pairs of their ranks.
 * @param modules of the clients' adapters, which all have the same modules and shapes
 */
export async function writeTargets(
  out: string,
  targets: readonly Target[],
  modules: Adapter["modules"],
): Promise<Written[]> {
  for (const { terms } of targets) checkModules(terms, modules);
  const pairs = targets.map(() => new Map<string, LowRank>());
  const discarded = new Float64Array(targets.length);
  for (const [module, { b, a }] of modules) {
    const startOf = createPairReader(module);
    const shape = [b.shape[0] ?? 0, a.shape[1] ?? 0] as const;
    const best = findBestPairs(
      targets.map(({ start, terms }) => [...startOf(start), ...listTerms(terms, module, shape)]),
      targets.map(({ like }) => like.modules.get(module)?.a.shape[0] ?? 0),
      shape,
    );
    best.forEach((pair, t) => {
      item(pairs, t).set(module, toFloat32Pair(toLowRank(pair)));
      discarded[t] = at(discarded, t) + pair.tail / modules.size;
    });
    await yieldToEventLoop();
  }
  const written: Written[] = [];
  for (const [t, { name, like }] of targets.entries()) {
    const folder = join(out, name);
    await writeAdapter(folder, like, item(pairs, t));
    const lost = await measureLostEnergy(folder, item(pairs, t));
    const loss = lost <= maxLost ? {} : { loss: describeLoss(name, like, lost) };
    written.push({ discarded: at(discarded, t), ...loss });
  }
  return written;
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
