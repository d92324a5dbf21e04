import { at, item, median, medianDeviation } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { sumFisherStatistics, type Piece } from "./fisher-statistics.js";

/** Largest number of core sizes at which a search is inspected. */
const maxLooks = 24;

/**
 * Chooses up to 24 sizes of the core, from just over half of the clients to all but one.
 * @param clients at least 3
 */
export function chooseCoreSizes(clients: number): number[] {
  const [first, last] = [Math.floor(clients / 2) + 1, clients - 1];
  const looks = Math.min(maxLooks, last - first + 1);
  const step = looks === 1 ? 0 : (last - first) / (looks - 1);
  return indices(looks).map((look) => Math.round(last - step * (looks - 1 - look)));
}

/** The record of a forward search. */
export interface Trace {
  /** For each inspected size, the smallest statistic of a client outside the core. */
  readonly statistics: readonly number[];
  /** For each inspected size, the core. */
  readonly cores: readonly (readonly number[])[];
}

/**
 * Runs a forward search (after Atkinson, Riani and Cerioli, "The forward search: theory and data
 * analysis", 2010). It starts from a core of the least surprising half, in which no outlier can
 * hide, and grows by the clients with the smallest statistics. Contaminated clients, up to half,
 * come last; the first of them has a far larger statistic than a client like the core would.
 * @param sizes core sizes to inspect, ascending
 */
export function forwardSearch(pieces: readonly Piece[], sizes: readonly number[]): Trace {
  let core = findFirstCore(pieces, item(sizes, 0));
  const cores: (readonly number[])[] = [];
  const statistics: number[] = [];
  for (const size of sizes) {
    if (core.length < size) core = pickSmallest(sumFisherStatistics(pieces, core), size);
    const sums = sumFisherStatistics(pieces, core);
    statistics.push(findMinOutside(sums, core));
    cores.push(core);
    // The next core is drawn from all clients, so a member may leave.
    core = pickSmallest(sums, size);
  }
  return { statistics: statistics, cores };
}

/**
 * Starts with the clients nearest the median on the side that counts against a client and iterates
 * to those with the smallest statistics.
 */
function findFirstCore(pieces: readonly Piece[], size: number): readonly number[] {
  const distances = new Float64Array(item(pieces, 0).values.length);
  for (const { values, floor } of pieces) {
    const middle = median(values);
    const deviation = medianDeviation(values, middle);
    values.forEach((value, k) => {
      const z = (value - middle) / Math.max(deviation, floor);
      distances[k] = at(distances, k) + (z > 0 ? z * z : 0) + 1e-3 * z * z;
    });
  }
  let core = pickSmallest(distances, size);
  for (let pass = 0; pass < 5; pass++) {
    const next = pickSmallest(sumFisherStatistics(pieces, core), size);
    if (next.every((k, i) => k === core[i])) break;
    core = next;
  }
  return core;
}

/**
 * The smallest sum of a client outside the core.
 * @param core ascending, not all clients
 */
function findMinOutside(sums: Float64Array, core: readonly number[]): number {
  let least = Infinity;
  for (let k = 0, i = 0; k < sums.length; k++) {
    if (core[i] === k) i++;
    else least = Math.min(least, at(sums, k));
  }
  return least;
}

/** The clients with the `size` smallest values, ascending; on equal values the first ones. */
function pickSmallest(values: Float64Array, size: number): number[] {
  const sorted = values.toSorted();
  const limit = at(sorted, size - 1);
  let room = size - sorted.indexOf(limit);
  const chosen: number[] = [];
  for (let k = 0; k < values.length; k++) {
    const value = at(values, k);
    if (value < limit || (value === limit && room-- > 0)) chosen.push(k);
  }
  return chosen;
}
