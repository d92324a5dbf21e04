import {
  type Dense,
  readNumbers,
  type Numbers,
  yieldToEventLoop,
  isLowRank,
  shapeText,
  sizeOf,
  UserError,
  type LowRank,
  type Delta,
  type TensorDelta,
  type Tensor,
  type Update,
} from "@fedclair/core";
import { item } from "@fedclair/linalg";

/**
 * Computes Σ_k w_k·T_k in float64 and yields to the event loop in between.
 * @param tensors at least one, all of the same shape
 * @throws UserError if shapes differ
 */
export async function weightedSum(
  tensors: readonly Tensor[],
  weights: ArrayLike<number>,
): Promise<Dense> {
  const shape = tensors[0]?.shape ?? [];
  const data = new Float64Array(sizeOf(shape));
  const together = data.length <= maxBatchedLength ? batch : 1;
  for (let from = 0; from < tensors.length; from += together) {
    const terms = tensors.slice(from, from + together).map((tensor, k) => {
      requireShape(tensor, shape);
      return { data: readNumbers(tensor), weight: item(weights, from + k) };
    });
    addWeighted(data, terms);
    await yieldToEventLoop();
  }
  return { shape, data };
}

/** Number of terms in one pass over the sum, which takes half the time of four passes. */
const batch = 4;

/**
 * Largest tensor length that is summed four at a time. Longer tensors may be stored on disk and are
 * read one by one, so that only one is in memory.
 */
const maxBatchedLength = 1 << 20;

interface Term {
  readonly data: Numbers;
  readonly weight: number;
}

/**
 * Adds the weighted terms to the sum, four at a time.
 * @param terms each as long as the sum
 */
export function addWeighted(sum: Float64Array, terms: readonly Term[]): void {
  // Without `item`, which checks the index and takes twice as long.
  let k = 0;
  for (; k + batch <= terms.length; k += batch) {
    const [first, second, third, fourth] = terms.slice(k, k + batch) as [Term, Term, Term, Term];
    const [a, b, c, d] = [first.data, second.data, third.data, fourth.data];
    const [p, q, r, s] = [first.weight, second.weight, third.weight, fourth.weight];
    for (let i = 0; i < sum.length; i++) {
      sum[i] =
        (sum[i] as number) +
        p * (a[i] as number) +
        q * (b[i] as number) +
        r * (c[i] as number) +
        s * (d[i] as number);
    }
  }
  for (const { data, weight } of terms.slice(k)) {
    for (let i = 0; i < sum.length; i++) {
      sum[i] = (sum[i] as number) + weight * (data[i] as number);
    }
  }
}

/** @throws UserError if the tensor has another shape */
function requireShape(tensor: Tensor, shape: readonly number[]): void {
  if (shapeText(tensor.shape) !== shapeText(shape)) {
    throw new UserError(
      `cannot average a ${shapeText(tensor.shape)} tensor with a ${shapeText(shape)} one: ` +
        "all clients must send the same shapes (for factors, the same LoRA rank)",
    );
  }
}

/**
 * Everything that the clients sent for one module: dense tensors and factored pairs separately,
 * each with the weights of their senders.
 */
interface Senders {
  readonly dense: Sent<Tensor>;
  readonly factored: Sent<LowRank>;
}

interface Sent<T> {
  readonly sent: readonly T[];
  readonly weights: readonly number[];
}

/**
 * Groups the updates by module and by form.
 * @throws UserError if a client lacks a module that the first one has
 */
export function groupSenders(
  updates: readonly Update[],
  weights: ArrayLike<number>,
): ReadonlyMap<string, Senders> {
  const names = [...(updates[0]?.delta.keys() ?? [])];
  return new Map(names.map((name) => [name, groupByForm(updates, weights, name)]));
}

function groupByForm(updates: readonly Update[], weights: ArrayLike<number>, name: string) {
  const dense = { sent: [] as Tensor[], weights: [] as number[] };
  const factored = { sent: [] as LowRank[], weights: [] as number[] };
  updates.forEach((update, k) => {
    const module = requireModule(update, name);
    const isPair = isLowRank(module);
    if (isPair) factored.sent.push(module);
    else dense.sent.push(module);
    (isPair ? factored : dense).weights.push(item(weights, k));
  });
  return { dense, factored };
}

/**
 * Returns the weighted sum of the dense modules and the result of `merge` for the factored ones as
 * two terms, because adding them would require multiplying the pairs out.
 */
export async function sumSenders(
  senders: ReadonlyMap<string, Senders>,
  merge: (
    pairs: readonly LowRank[],
    weights: readonly number[],
    module: string,
  ) => LowRank | Promise<LowRank>,
): Promise<Delta[]> {
  const dense = new Map<string, TensorDelta>();
  const factored = new Map<string, TensorDelta>();
  for (const [name, { dense: whole, factored: pairs }] of senders) {
    if (whole.sent.length > 0) dense.set(name, await weightedSum(whole.sent, whole.weights));
    if (pairs.sent.length > 0) {
      factored.set(name, await merge(pairs.sent, pairs.weights, name));
    }
  }
  return [dense, factored].filter((term) => term.size > 0);
}

/**
 * Returns a module of an update.
 * @throws UserError if the client did not send that module
 */
export function requireModule(update: Update, name: string): TensorDelta {
  const module = update.delta.get(name);
  if (module === undefined) {
    throw new UserError(
      `client ${update.clientId} sent no update of module ${name}: all clients must send the same modules`,
    );
  }
  return module;
}
