import { yieldToEventLoop } from "@fedclair/core";
import { stream, at, item } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { forwardSearch } from "./forward-search.js";

/**
 * Degrees of freedom of the simulated statistics. Real statistics have longer tails than the normal
 * law.
 */
const degrees = 6;

/**
 * Correlation of the last piece with the first, as between clique and standing apart. Both are
 * measured from the same median cosine: a client that agrees less with all others is relatively
 * more similar to its nearest ones.
 */
const correlation = 0.5;

/** Number of simulated clean federations, enough for a rate of 0.01. */
const federations = 1000;

/** The distribution of a forward search's statistics if no client is contaminated. */
export interface NullLaw {
  /** Probability of a statistic at least this large at an inspected size, in (0, 1]. */
  pValue(look: number, statistic: number): number;
  /**
   * The statistic at an inspected size that a share `probability` of clean federations stays below.
   */
  quantile(look: number, probability: number): number;
  /** The p-value that a share `rate` of clean federations falls below at some inspected size. */
  pointwise(rate: number): number;
}

const laws = new Map<string, Promise<NullLaw>>();

/**
 * Returns the null law, which is simulated with pieces from Student's t with 6 degrees of freedom.
 * The simulation has its own random streams, so it always gives the same law. It runs once for each
 * size and yields to the event loop.
 * @param sizes core sizes that the search inspects
 */
export function getNullLaw(
  clients: number,
  pieces: number,
  sizes: readonly number[],
): Promise<NullLaw> {
  const key = [clients, pieces, ...sizes].join();
  const law = laws.get(key) ?? simulate(clients, pieces, sizes);
  laws.set(key, law);
  return law;
}

async function simulate(
  clients: number,
  pieces: number,
  sizes: readonly number[],
): Promise<NullLaw> {
  const rng = stream("null law of evidence").at(clients, pieces);
  const traces: (readonly number[])[] = [];
  for (let run = 0; run < federations; run++) {
    const own = rng.at(run);
    const draws = indices(pieces).map((piece) =>
      drawStudentT(own.at(piece).normals(clients * (degrees + 1)), clients),
    );
    const drawn = draws.map((values, piece) => ({
      values: piece > 0 && piece === pieces - 1 ? correlate(item(draws, 0), values) : values,
      floor: 1e-9,
    }));
    traces.push(forwardSearch(drawn, sizes).statistics);
    if (run % 8 === 0) await yieldToEventLoop();
  }
  const byLook = sizes.map((_, look) =>
    Float64Array.from(traces, (trace) => item(trace, look)).sort(),
  );
  const pValue = (look: number, statistic: number) => {
    const sorted = item(byLook, look);
    return (federations - findFirstAtLeast(sorted, statistic) + 1) / (federations + 1);
  };
  const least = Float64Array.from(traces, (trace) =>
    Math.min(...trace.map((statistic, look) => pValue(look, statistic))),
  ).sort();
  const quantile = (look: number, probability: number) =>
    at(item(byLook, look), Math.floor(probability * (federations - 1)));
  return { pValue, quantile, pointwise: (rate) => at(least, Math.floor(rate * federations)) };
}

function correlate(first: Float64Array, values: Float64Array): Float64Array {
  const rest = Math.sqrt(1 - correlation ** 2);
  return values.map((x, k) => correlation * at(first, k) + rest * x);
}

function drawStudentT(normals: Float64Array, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, k) => {
    let square = 0;
    for (let d = 1; d <= degrees; d++) square += at(normals, k * (degrees + 1) + d) ** 2;
    return at(normals, k * (degrees + 1)) / Math.sqrt(square / degrees);
  });
}

/** The first index with a value of at least `x`; the length if there is none. */
function findFirstAtLeast(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(sorted, middle) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
