import { at, item, median, medianDeviation } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { surprises, totals, type Piece } from "./surprise.js";

/** Up to how many sizes of the core a search stops at to look. */
const mostLooks = 24;

/** Sizes of the core from just over half of the clients to all but one, at most 24. @param clients at least 3 */
export function looksOf(clients: number): number[] {
  const [first, last] = [Math.floor(clients / 2) + 1, clients - 1];
  const looks = Math.min(mostLooks, last - first + 1);
  const step = looks === 1 ? 0 : (last - first) / (looks - 1);
  return indices(looks).map((look) => Math.round(last - step * (looks - 1 - look)));
}

/** What a forward search saw. */
export interface Trace {
  /** By look: the least surprise of a client outside the core. */
  readonly surprises: readonly number[];
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
  let core = firstCore(pieces, item(sizes, 0));
  const cores: (readonly number[])[] = [];
  const seen: number[] = [];
  for (const size of sizes) {
    if (core.length < size) core = leastOf(totals(surprises(pieces, core)), size);
    const sums = totals(surprises(pieces, core));
    const inside = new Set(core);
    let least = Infinity;
    sums.forEach((sum, k) => {
      if (!inside.has(k)) least = Math.min(least, sum);
    });
    seen.push(least);
    cores.push(core);
    // The next core is drawn from all clients: a member may leave.
    core = leastOf(sums, size);
  }
  return { surprises: seen, cores };
}

/** The clients nearest the median on the bad side, and then those whom they surprise least. */
function firstCore(pieces: readonly Piece[], size: number): readonly number[] {
  const distances = new Float64Array(item(pieces, 0).values.length);
  for (const { values, floor } of pieces) {
    const middle = median(values);
    const deviation = medianDeviation(values, middle);
    values.forEach((value, k) => {
      const z = (value - middle) / Math.max(deviation, floor);
      distances[k] = at(distances, k) + (z > 0 ? z * z : 0) + 1e-3 * z * z;
    });
  }
  let core = leastOf(distances, size);
  for (let pass = 0; pass < 5; pass++) {
    const next = leastOf(totals(surprises(pieces, core)), size);
    if (next.join() === core.join()) break;
    core = next;
  }
  return core;
}

/** The clients of the `size` smallest values, ascending; of equal ones the first. */
function leastOf(values: Float64Array, size: number): number[] {
  const limit = at(values.toSorted(), size - 1);
  let room = size - values.filter((x) => x < limit).length;
  return indices(values.length).filter((k) => {
    const value = at(values, k);
    return value < limit || (value === limit && room-- > 0);
  });
}
