import { toDense, toTensor, type Delta, type Params } from "@fedclair/core";
import { addScaled, Matrix, at } from "@fedclair/linalg";
import type { Network } from "./network.js";

/**
 * Names of the params: the hidden weights, d×n with one column per neuron, and the outgoing
 * weights, 1×n.
 */
const names = { hidden: "hidden", out: "out" } as const;

export function paramsOf({ hidden, out }: Network): Params {
  return new Map([
    [names.hidden, toTensor(hidden)],
    [names.out, { shape: [1, out.length], data: out.slice() }],
  ]);
}

export function networkOfParams(params: Params): Network {
  return networkOfTerms([params]);
}

/**
 * Reads a network from params that are given as a sum of terms.
 * @throws Error if no term has a module
 */
export function networkOfTerms(terms: readonly (Params | Delta)[]): Network {
  return { hidden: sumModule(terms, names.hidden), out: sumModule(terms, names.out).data };
}

/** Computes the change that turns `from` into `to`. */
export function computeChange(from: Network, to: Network): Params {
  return paramsOf({
    hidden: new Matrix(
      to.hidden.rows,
      to.hidden.cols,
      to.hidden.data.map((x, i) => x - at(from.hidden.data, i)),
    ),
    out: to.out.map((x, i) => x - at(from.out, i)),
  });
}

function sumModule(terms: readonly (Params | Delta)[], name: string): Matrix {
  let total: Matrix | undefined;
  for (const term of terms) {
    const update = term.get(name);
    if (update === undefined) continue;
    const matrix = toDense(update);
    if (total) addScaled(total, 1, matrix);
    else total = matrix;
  }
  if (!total) throw new Error(`copy-average: expected a module '${name}', got none`);
  return total;
}
