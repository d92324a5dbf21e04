import { at, item, median, medianDeviation } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { sumFisherStatistics, type Piece } from "./fisher-statistics.js";

/** Up to how many sizes of the core a search stops at to look. */
const maxLooks = 24;

/** Sizes of the core from just over half of the clients to all but one, at most 24. @param clients at least 3 */
export function chooseCoreSizes(clients: number): number[] {
  const [first, last] = [Math.floor(clients / 2) + 1, clients - 1];
  const looks = Math.min(maxLooks, last - first + 1);
  const step = looks === 1 ? 0 : (last - first) / (looks - 1);
  return indices(looks).map((look) => Math.round(last - step * (looks - 1 - look)));
}

/** What a forward search saw. */
export interface Trace {
  /** By look: the least surprise of a client outside the core. */
  readonly statistics: readonly number[];
  /** By look: the core then. */
  readonly cores: readonly (readonly number[])[];
}

/**
 * A forward search (after Atkinson, Riani and Cerioli, "The forward search: theory and data analysis", 2010): from a core of the
 * least surprising half, in which no outlier can hide, the core grows by those who surprise it least. Contaminated clients, up to
 * half, come last, and the first of them surprises far more than clients like the core would.
 * @param sizes of the core at which to look, ascending
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
    // The next core is drawn from all clients: a member may leave.
    core = pickSmallest(sums, size);
  }
  return { statistics: statistics, cores };
}

/** The clients nearest the median on the bad side, and then those whom they surprise least. */
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

/** @param core ascending, not all clients */
function findMinOutside(sums: Float64Array, core: readonly number[]): number {
  let least = Infinity;
  for (let k = 0, i = 0; k < sums.length; k++) {
    if (core[i] === k) i++;
    else least = Math.min(least, at(sums, k));
  }
  return least;
}

/** The clients of the `size` smallest values, ascending; of equal ones the first. */
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
