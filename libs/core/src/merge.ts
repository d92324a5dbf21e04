import type { Params, Tensor } from "./tensor.js";
import { isLowRank, type Modules, type ModuleUpdate } from "./update.js";

/**
 * Adds the terms of an aggregate to params. The one place where low-rank pairs are multiplied out; a pair that several
 * clients share is so only once, as long as `products` lives.
 * @returns new params of the same shapes and dtypes, computed in float64
 * @throws Error for a module that the params lack
 */
export function addTerms(params: Params, terms: readonly Modules[], products: Products): Params {
  const sums = new Map<string, Float64Array>();
  for (const modules of terms) {
    for (const [name, update] of modules) {
      const tensor = params.get(name);
      if (!tensor) throw new Error(`the aggregate changes module '${name}', which the params lack`);
      const sum = sums.get(name) ?? Float64Array.from(tensor.data);
      sums.set(name, sum);
      const term = products.of(update);
      if (term.length !== sum.length) {
        throw new Error(
          `the aggregate's module '${name}' has ${term.length} numbers, not ${sum.length}`,
        );
      }
      addTo(sum, term);
    }
  }
  return new Map(
    [...params].map(([name, tensor]) => {
      const sum = sums.get(name);
      return [name, sum ? { shape: tensor.shape, data: like(tensor, sum) } : tensor];
    }),
  );
}

/** Multiplied-out low-rank pairs by identity. */
export class Products {
  readonly #dense = new Map<ModuleUpdate, ArrayLike<number>>();

  of(update: ModuleUpdate): ArrayLike<number> {
    if (!isLowRank(update)) return update.data;
    const known = this.#dense.get(update) ?? multiply(update.b, update.a);
    this.#dense.set(update, known);
    return known;
  }
}

function multiply(b: Tensor, a: Tensor): Float64Array {
  const [rows = 0, rank = 0] = b.shape;
  const [, columns = 0] = a.shape;
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < rank; k++) {
      const factor = b.data[i * rank + k] ?? 0;
      for (let j = 0; j < columns; j++) {
        product[i * columns + j] =
          (product[i * columns + j] ?? 0) + factor * (a.data[k * columns + j] ?? 0);
      }
    }
  }
  return product;
}

function addTo(sum: Float64Array, term: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (term[i] ?? 0);
}

function like({ data }: Tensor, values: Float64Array): Tensor["data"] {
  return data instanceof Float32Array ? Float32Array.from(values) : values;
}
