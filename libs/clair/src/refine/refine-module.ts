import { readNumbers } from "@fedclair/core";
import { frobenius, item, Matrix, median, zip } from "@fedclair/linalg";
import { weightedSum, type Factors } from "@fedclair/rules";
import { combineChanges, isFactored, factorRankOf, type ChangeList } from "../updates/change.js";
import { createProjection, type SharedSpace } from "../space/projection.js";
import type { Client } from "../updates/sanitise.js";
import { type Refined, findCommonOutside, type Refinement } from "./common-outside.js";

/** How a module is refined. */
export interface RefineOptions {
  /** Whether the common part outside the space is scaled to each client. */
  readonly scalesCommonPart: boolean;
}

/**
 * Runs step 7 for one module: averages what benign clients have outside the shared space, where
 * their differences are mostly error, and leaves each client its own part inside. The parts outside
 * are linear in the changes, so only that of the mean is computed.
 * @param changes changes of the members
 */
export function refineModule(
  changes: ChangeList,
  space: SharedSpace,
  weights: ArrayLike<number>,
  { scalesCommonPart }: RefineOptions,
): Refinement {
  const projection = createProjection(space);
  const inside: Factors[] = [];
  const energies: number[] = [];
  let rank = 0;
  for (let k = 0; k < changes.count; k++) {
    const change = changes.at(k);
    const split = projection.split(change);
    inside.push(split.inside);
    energies.push(split.outsideEnergy);
    rank = Math.max(rank, factorRankOf(change));
  }
  const cuts = computeCuts(energies.map(Math.sqrt));
  const mean = combineChanges(
    changes,
    cuts.map((cut, k) => cut * item(weights, k)),
  );
  const rest = projection.outside(mean);
  // A dense rest is projected twice. If it is no more than rounding, it would not be orthogonal to
  // what is inside, and the scale of the common part, which divides by its energy, would be huge.
  const shared = isFactored(rest) ? rest : projection.outside(rest);
  const common = () =>
    findCommonOutside(
      { changes, inside, rank: rank + factorRankOf(shared) - factorRankOf(mean) },
      energies,
      cuts,
      shared,
      weights,
    );
  // The specification gives everyone the same.
  const same = { part: shared, times: inside.map(() => 1) };
  return { inside, shared, common: scalesCommonPart ? common() : same };
}

/**
 * A client's part outside the space, and its change of a vector, enter the mean with at most this
 * many median norms. Nothing inside the space can detect a client that is huge outside it.
 */
const maxMedianNorms = 2;

/** Computes the factors, 0 … 1, that limit each norm to `maxMedianNorms` median norms. */
export function computeCuts(norms: readonly number[]): number[] {
  const most = maxMedianNorms * median(norms);
  return norms.map((norm) => (norm > most ? most / norm : 1));
}

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
