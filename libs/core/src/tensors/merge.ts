import { Matrix, multiply } from "@fedclair/linalg";
import { yieldToEventLoop } from "../words/yield-to-event-loop.js";
import type { Params, Tensor } from "./tensor.js";
import { isLowRank, type LowRank, type Delta, type TensorDelta } from "./update.js";

/**
 * Adds the terms of an aggregate to params. The one place where low-rank pairs are multiplied out; a pair that several
 * clients share is so only once, as long as `products` lives. Gives way to the event loop in between.
 * @returns new params of the same shapes and dtypes, computed in float64
 * @throws Error for a module that the params lack
 */
export async function addTerms(
  params: Params,
  terms: readonly Delta[],
  products = new Products(),
): Promise<Params> {
  const stranger = terms.flatMap((term) => [...term.keys()]).find((name) => !params.has(name));
  if (stranger !== undefined)
    throw new Error(`the aggregate changes module '${stranger}', which the params lack`);
  const added = new Map<string, Tensor>();
  for (const [name, tensor] of params) {
    const changes = terms.flatMap((term) => term.get(name) ?? []);
    added.set(name, changes.length > 0 ? await sumOf(name, tensor, changes, products) : tensor);
  }
  return added;
}

/** One module: of a large model not all are there in float64 at once. */
async function sumOf(
  name: string,
  tensor: Tensor,
  changes: readonly TensorDelta[],
  products: Products,
): Promise<Tensor> {
  const sum = new Float64Array(tensor.data);
  for (const change of changes) {
    const term = await products.of(change);
    if (term.length !== sum.length) {
      throw new Error(
        `the aggregate's module '${name}' has ${term.length} numbers, not ${sum.length}`,
      );
    }
    addTo(sum, term);
  }
  return { shape: tensor.shape, data: like(tensor, sum) };
}

/** Multiplications that are done at a time: some 10 ms of them. */
const mostAtOnce = 2 ** 26;

/** Multiplied-out low-rank pairs by identity. */
export class Products {
  readonly #dense = new Map<TensorDelta, ArrayLike<number>>();

  async of(update: TensorDelta): Promise<ArrayLike<number>> {
    await yieldToEventLoop();
    if (!isLowRank(update)) return update.data;
    const known = this.#dense.get(update) ?? (await this.#multiply(update));
    this.#dense.set(update, known);
    return known;
  }

  /** Row-major b·a, which column by column is aᵀ·bᵀ: a strip of rows at a time. */
  async #multiply({ b, a }: LowRank): Promise<Float64Array> {
    const [rows = 0, rank = 0] = b.shape;
    const [, columns = 0] = a.shape;
    const left = new Matrix(columns, rank, new Float64Array(a.data));
    const right = new Matrix(rank, rows, new Float64Array(b.data));
    const product = new Float64Array(rows * columns);
    const strip = Math.max(1, Math.floor(mostAtOnce / (rank * columns)));
    for (let from = 0; from < rows; from += strip) {
      const part = multiply(left, right.columns(from, Math.min(from + strip, rows)));
      product.set(part.data, from * columns);
      await yieldToEventLoop();
    }
    return product;
  }
}

function addTo(sum: Float64Array, term: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (term[i] ?? 0);
}

function like({ data }: Tensor, values: Float64Array): Tensor["data"] {
  return data instanceof Float32Array ? new Float32Array(values) : values;
}
