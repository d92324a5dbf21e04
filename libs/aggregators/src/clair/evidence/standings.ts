import { item, median, medianDeviation, sum, type Matrix } from "@fedclair/linalg";
import { indices } from "../lists.js";

/** What one round shows of its clients, for their evidence over rounds. */
export interface RoundStatistics {
  /** Mean cosine with the others. */
  readonly agreement: readonly number[];
  /** By piece: in robust deviations of the round's clients, large is bad; and how much the round can tell beside others. */
  readonly pieces: readonly { readonly values: readonly number[]; readonly weight: number }[];
}

/** Little likeness to all others and to the two nearest; the change of another client; norm; a spectrum as flat as that of noise. */
export const kinds = ["apart", "copy", "size", "flat"] as const;

/** The least deviations that clients of a round differ by: of cosines, of logarithms. */
const [leastCosine, leastLog] = [0.02, 0.05];
/** ln of how many times nearer than usual the nearest client is whose change is a copy. */
const leastCopy = 3;
/** Distances from the nearest below it are all the same. */
const leastDistance = 1e-6;

/**
 * @param cosines K×K of whole changes, the mean over modules; K at least 3
 * @param norms of whole changes
 * @param flatness effective ranks of the changes, the mean over modules
 */
export function roundStatistics(
  cosines: Matrix,
  norms: readonly number[],
  flatness: readonly number[],
): RoundStatistics {
  const clients = indices(cosines.rows);
  const others = clients.map((k) =>
    clients
      .filter((j) => j !== k)
      .map((j) => cosines.get(j, k))
      .sort((x, y) => y - x),
  );
  const agreement = others.map((own) => sum(own) / own.length);
  const likeAll = deviations(agreement, leastCosine);
  const likeSome = deviations(
    others.map((own) => (item(own, 0) + item(own, 1)) / 2),
    leastCosine,
  );
  const distances = others.map((own) => Math.max(1 - item(own, 0), leastDistance));
  const usual = median(distances);
  const middle = median(agreement);
  // Where clients have nothing in common yet, nobody can lack it.
  const clarity = middle / Math.max(medianDeviation(agreement, middle), leastCosine);
  return {
    agreement,
    pieces: [
      {
        values: likeAll.map((x, k) => -(x + item(likeSome, k)) / 2),
        weight: Math.max(0.1, Math.min(3, clarity)),
      },
      {
        values: distances.map((distance) => Math.max(0, Math.log(usual / distance) - leastCopy)),
        weight: 1,
      },
      { values: deviations(norms.map(Math.log), leastLog), weight: 1 },
      { values: deviations(flatness.map(Math.log), leastLog), weight: 1 },
    ],
  };
}

/** What is kept of a client. Plain data. */
export interface Standing {
  readonly rounds: number;
  /** By piece, over its rounds, old ones fading. */
  readonly pieces: readonly Moments[];
  readonly agreement: Moments;
}

/** Weighted sums: Σ w, Σ w², Σ w·x, Σ w·x². */
export interface Moments {
  readonly weight: number;
  readonly weightSquare: number;
  readonly sum: number;
  readonly square: number;
}

export type Standings = ReadonlyMap<string, Standing>;

/** What an older round weighs beside the next one of the same client. */
const fading = 0.95;
/** A single round says no more than so many deviations. */
const most = 6;

/** The standings after a round. @param ids of its clients, in the order of the statistics */
export function standingsAfter(
  before: Standings,
  ids: readonly string[],
  { agreement, pieces }: RoundStatistics,
): Standings {
  const after = new Map(before);
  const clearness = item(pieces, 0).weight;
  for (const [k, id] of ids.entries()) {
    const known = before.get(id);
    after.set(id, {
      rounds: (known?.rounds ?? 0) + 1,
      pieces: pieces.map(({ values, weight }, p) => {
        const x = Math.max(-most, Math.min(most, item(values, k)));
        return grown(known?.pieces[p], x, weight);
      }),
      agreement: grown(known?.agreement, item(agreement, k), clearness),
    });
  }
  return after;
}

const none: Moments = { weight: 0, weightSquare: 0, sum: 0, square: 0 };

function grown(before: Moments = none, x: number, w: number): Moments {
  return {
    weight: fading * before.weight + w,
    weightSquare: fading ** 2 * before.weightSquare + w * w,
    sum: fading * before.sum + w * x,
    square: fading * before.square + w * x * x,
  };
}

export function meanOf({ sum, weight }: Moments): number {
  return sum / weight;
}

/** In robust deviations from the median. */
function deviations(values: readonly number[], floor: number): number[] {
  const middle = median(values);
  const scale = Math.max(medianDeviation(values, middle), floor);
  return values.map((value) => (value - middle) / scale);
}
