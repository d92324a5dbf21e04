import { readNumbers } from "@fedclair/core";
import { frobenius, item, Matrix, zip } from "@fedclair/linalg";
import { weightedSum } from "@fedclair/rules";
import type { Client } from "../updates/sanitise.js";
import { computeCuts, type Refined } from "./refine-module.js";

/**
 * Runs step 7 for the modules that are not compared. In a vector, error cannot be separated from
 * what a client learnt, so each client keeps its own. The mean for everyone is clipped like the
 * part outside a space, because no client was judged by it.
 * @param benign at least one
 * @param weights weights of the clients in the mean, summing to 1
 */
export async function refineVectors(
  benign: readonly Client[],
  weights: Float64Array,
): Promise<ReadonlyMap<string, Refined>> {
  const refined = new Map<string, Refined>();
  const ids = benign.map(({ id }) => id);
  for (const name of item(benign, 0).vectors.keys()) {
    const own = benign.flatMap(({ vectors }) => vectors.get(name) ?? []);
    const norms = own.map((vector) => {
      const data = Float64Array.from(readNumbers(vector));
      return frobenius(new Matrix(data.length, 1, data));
    });
    const cuts = computeCuts(norms);
    refined.set(name, {
      personal: new Map(zip(ids, own)),
      meanPersonal: await weightedSum(
        own,
        weights.map((weight, k) => weight * item(cuts, k)),
      ),
      extraShares: new Map(),
    });
  }
  return refined;
}
