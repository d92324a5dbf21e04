import { Matrix, multiply } from "@fedclair/linalg";
import { UserError } from "../words/errors.js";
import { yieldToEventLoop } from "../words/yield-to-event-loop.js";
import {
  dtypeOf,
  loadTensor,
  readNumbers,
  type Dense,
  type DType,
  type Numbers,
  type Params,
  type StoredParams,
  type Tensor,
} from "./tensor.js";
import { isLowRank, type Delta, type LowRank, type TensorDelta } from "./update.js";

/**
 * Adds the terms of an aggregation to params. Low-rank pairs are multiplied out only here. A pair
 * that several clients share is multiplied once, as long as `products` lives. Yields to the event
 * loop between modules.
 * @returns new params of the same shapes and dtypes, computed in float64
 * @throws UserError for a module that the params lack, or that has another size
 */
export async function addTerms(
  params: StoredParams,
  terms: readonly Delta[],
  products = new Products(),
): Promise<Params> {
  requireModules(params, terms);
  const added = new Map<string, Dense>();
  for (const [name, tensor] of params) {
    added.set(name, loadTensor(await addToModule(name, tensor, terms, products)));
  }
  return added;
}

/** @throws UserError for terms with a module that the params lack */
export function requireModules(params: StoredParams, terms: readonly Delta[]): void {
  const stranger = terms.flatMap((term) => [...term.keys()]).find((name) => !params.has(name));
  if (stranger !== undefined)
    throw new UserError(`the aggregate changes module '${stranger}', which the params lack`);
}

/**
 * Adds the terms' changes of one module, because a large model would not fit in memory in float64.
 * @returns the tensor itself if no term changes it
 * @throws UserError if a change has another size
 */
export async function addToModule(
  name: string,
  tensor: Tensor,
  terms: readonly Delta[],
  products: Products,
): Promise<Tensor> {
  const changes = terms.flatMap((term) => term.get(name) ?? []);
  if (changes.length === 0) return tensor;
  const sum = new Float64Array(readNumbers(tensor));
  for (const change of changes) {
    const term = await products.of(change);
    if (term.length !== sum.length) {
      throw new UserError(
        `the aggregate's module '${name}' has ${term.length} numbers, not ${sum.length}`,
      );
    }
    addTo(sum, term);
  }
  return { shape: tensor.shape, data: toDtype(dtypeOf(tensor), sum) };
}

/** The number of multiplications between two turns of the event loop: about 10 ms. */
const mostAtOnce = 2 ** 26;

/** Multiplies out low-rank pairs. The product of a pair that several clients share is kept. */
export class Products {
  readonly #dense = new Map<TensorDelta, ArrayLike<number>>();
  readonly #uses = new Map<TensorDelta, number>();

  /** @param all terms that will be multiplied out; those that occur once are not kept */
  constructor(all: Iterable<Delta> = []) {
    for (const change of [...all].flatMap((term) => [...term.values()]))
      this.#uses.set(change, (this.#uses.get(change) ?? 0) + 1);
  }

  async of(update: TensorDelta): Promise<ArrayLike<number>> {
    await yieldToEventLoop();
    if (!isLowRank(update)) return readNumbers(update);
    const known = this.#dense.get(update) ?? (await this.#multiply(update));
    if ((this.#uses.get(update) ?? 0) > 1) this.#dense.set(update, known);
    return known;
  }

  /** Computes row-major b·a as aᵀ·bᵀ, column by column, in strips of rows. */
  async #multiply({ b, a }: LowRank): Promise<Float64Array> {
    const [rows = 0, rank = 0] = b.shape;
    const [, columns = 0] = a.shape;
    const left = new Matrix(columns, rank, new Float64Array(readNumbers(a)));
    const right = new Matrix(rank, rows, new Float64Array(readNumbers(b)));
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

function toDtype(dtype: DType, values: Float64Array): Numbers {
  return dtype === "f32" ? new Float32Array(values) : values;
}
