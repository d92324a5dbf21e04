import { at, indices, item, pickNumbers, stream, zip, type Matrix } from "@fedclair/linalg";
import type { ModulePool } from "../modules/module-pool.js";
import type { ComparedOthers } from "./compare-pairs.js";
import type { ComparedModule } from "../modules/module-state.js";
import { indicesOf, type Client } from "../updates/sanitise.js";
import {
  countFreeNumbers,
  haveFewNumbers,
  meanCosines,
  wholeCosines,
  type ModuleMeasures,
} from "./measures.js";

/** Up to so many clients are all compared with each other. */
const mostCompared = 256;
/** Number of nearest others that a client is compared with, besides the sample. */
const nearestCount = 8;

/** How the clients' changes lie to each other. */
export interface ComparedClients {
  /** ⟨X_i, X_j⟩ / (|X_i| |X_j|) with norms of whole changes, by module; NaN if not compared. */
  readonly grams: readonly Matrix[];
  readonly cosines: Matrix;
  readonly measured: readonly ModuleMeasures[];
  readonly fewNumbers: boolean;
  /** The clients that all are compared with, ascending; absent if all are compared with all. */
  readonly sample?: readonly number[];
}

/**
 * Compares the clients' changes: with each other, or if they are many pairs, with a random sample
 * and with the nearest others. Which are nearest is found from sketches; they are then compared
 * exactly.
 * @param knownOf known facts about a module
 */
export async function compareClients(
  modules: ModulePool,
  clients: readonly Client[],
  knownOf: (m: number) => { readonly gram?: Matrix; readonly measures: ModuleMeasures } | undefined,
  seed: number,
): Promise<ComparedClients> {
  const compared = indicesOf(clients);
  const norms = clients.map(({ norm }) => norm);
  const known = indices(modules.names.length).map(knownOf);
  const own = await modules.each(
    async (module, m) => known[m]?.measures ?? module.ask("measure", compared),
  );
  const fewNumbers = haveFewNumbers({ noise: { numbers: countFreeNumbers(own) } });
  const isSampled =
    clients.length > mostCompared &&
    !fewNumbers &&
    modules.arePairs &&
    known.every((one) => one?.gram === undefined);
  const others = isSampled ? await chooseOthers(modules, clients, seed) : undefined;
  const parts = await modules.each(async (module, m) => {
    const gram = known[m]?.gram;
    const found: ComparedModule = gram
      ? { gram }
      : await module.ask("compare", compared, norms, others);
    return found;
  });
  const grams = parts.map(({ gram }) => gram);
  const measured = zip(own, parts).map(([measures, { rowSpaces }]) =>
    rowSpaces ? { ...measures, rowSpaces } : measures,
  );
  return {
    grams,
    cosines: meanCosines(grams),
    measured,
    fewNumbers,
    ...(others && { sample: others.sample }),
  };
}

/** Chooses whom each client is compared with. */
async function chooseOthers(
  modules: ModulePool,
  clients: readonly Client[],
  seed: number,
): Promise<ComparedOthers> {
  const compared = indicesOf(clients);
  const norms = clients.map(({ norm }) => norm);
  const sample = drawSample(clients.length, seed);
  const rough = await modules.each((module) => module.ask("compareRoughly", compared, norms));
  return { sample, nearest: listNearest(rough, sample) };
}

function drawSample(clients: number, seed: number): number[] {
  const rng = stream("compared clients").at(seed);
  return rng.sample(indices(clients), mostCompared).sort((i, j) => i - j);
}

/**
 * Lists for each client the others that are nearest by their sketches, by cosines over modules or
 * of whole changes; those of the sample are left out.
 * @param rough inner products of sketches by module
 */
function listNearest(rough: readonly Matrix[], sample: readonly number[]): number[][] {
  const count = item(rough, 0).rows;
  const isSampled = new Set(sample);
  const others = indices(count).filter((k) => !isSampled.has(k));
  const mean = meanCosines(rough);
  const cosine = wholeCosines(rough);
  return indices(count).map((k) => {
    const nearness = cosine.column(k).map((x, j) => Math.max(x, mean.get(j, k)));
    const own = others.filter((j) => j !== k);
    const least = pickNumbers(nearness, own).sort().at(-nearestCount) ?? -Infinity;
    const nearer = own.filter((j) => at(nearness, j) > least);
    const equal = own.filter((j) => at(nearness, j) === least);
    return [...nearer, ...equal].slice(0, nearestCount);
  });
}
