import { addToModule, Products, requireModules } from "./merge.js";
import {
  dtypeOf,
  loadParams,
  maxAbs,
  payloadBytes,
  readNumbers,
  type Dense,
  type DType,
  type Params,
  type StoredParams,
  type Tensor,
} from "./tensor.js";
import { deltaBytes, isLowRank, tensorsOf, type Delta } from "./update.js";

/**
 * The params of one client: a base, and the list of terms that each round has added to it. Many
 * clients share one base, the same object. Low-rank pairs stay pairs, so that a large model does
 * not need a p×q matrix for every client.
 */
export interface ClientParams {
  readonly base: StoredParams;
  readonly rounds: readonly (readonly Delta[])[];
}

/**
 * Multiplies the params out. The result is the same as if each round's terms had been added at its
 * end and rounded to the params' dtypes.
 */
export async function resolveParams(own: ClientParams, products = new Products()): Promise<Params> {
  return loadParams(await resolveTo(keepInMemory, own, products));
}

/** Puts a tensor that was computed where it is to stay. */
export type Keep = (tensor: Dense) => Promise<Tensor>;

/** Returns where new bases stay, beside bases of this many bytes in memory. */
export type KeeperFor = (bytesInMemory: number) => Keep;

/** Leaves a tensor where it is. */
export const keepInMemory: Keep = (tensor) => Promise.resolve(tensor);

/**
 * Multiplies the params out like `resolveParams`, one module after another, and keeps each before
 * the next. Modules to which nothing was added stay where they are.
 */
export async function resolveTo(
  keep: Keep,
  { base, rounds }: ClientParams,
  products = new Products(),
): Promise<StoredParams> {
  requireModules(base, rounds.flat());
  const params = new Map<string, Tensor>();
  for (const [name, tensor] of base) {
    let sum = tensor;
    for (const terms of rounds) sum = await addToModule(name, sum, terms, products);
    params.set(name, sum !== tensor && "data" in sum ? await keep(sum) : sum);
  }
  return params;
}

/** The largest float32 is 3.4e38, the largest float64 1.8e308. */
const safeSize: Readonly<Record<DType, number>> = { f32: 1e38, f64: 1e300 };

/**
 * Checks by a bound whether the params are finite whatever the signs of their numbers: no entry of
 * b·a is larger than rank · max|b| · max|a|.
 * @returns false if the bound does not prove it
 */
export function isSurelyFinite({ base, rounds }: ClientParams): boolean {
  const bounds = new Map([...base].map(([name, tensor]) => [name, maxAbs(readNumbers(tensor))]));
  for (const [name, change] of rounds.flat().flatMap((delta) => [...delta])) {
    const rank = isLowRank(change) ? (change.b.shape[1] ?? 0) : 1;
    const sizes = tensorsOf(change).map((tensor) => maxAbs(readNumbers(tensor)));
    const most = sizes.reduce((product, size) => product * size, rank);
    bounds.set(name, (bounds.get(name) ?? NaN) + most);
  }
  return [...base].every(
    ([name, tensor]) => (bounds.get(name) ?? NaN) <= safeSize[dtypeOf(tensor)],
  );
}

/** Bytes of all terms that were added to the base. */
export function termBytes({ rounds }: ClientParams): number {
  return rounds.flat().reduce((total, delta) => total + deltaBytes(delta), 0);
}

/**
 * Adds another round's terms. Once the terms take as many bytes as the base, they are multiplied
 * out into a base of the client's own.
 * @param keep where such a base stays
 */
export async function extendParams(
  { base, rounds }: ClientParams,
  terms: readonly Delta[],
  products: Products,
  keep: Keep,
): Promise<ClientParams> {
  const extended = { base, rounds: [...rounds, terms] };
  if (termBytes(extended) < payloadBytes(base.values())) return extended;
  return { base: await resolveTo(keep, extended, products), rounds: [] };
}
