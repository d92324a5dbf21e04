import { item, median, medianDeviation, sum, type Matrix } from "@fedclair/linalg";
import { indices } from "../lists.js";

/** Statistics of the clients in one round, for the evidence over rounds. */
export interface RoundStatistics {
  /** Mean cosine of each client with the others. */
  readonly agreement: readonly number[];
  /**
   * Statistics by piece, in robust deviations of the round's clients; large values count against a
   * client. The weight is how informative the round is compared with others.
   */
  readonly pieces: readonly { readonly values: readonly number[]; readonly weight: number }[];
}

/**
 * The pieces. Apart: little similarity to all others and to the two nearest clients. Copy: the
 * change of another client. Size: the norm. Flat: a spectrum as flat as that of noise.
 */
export const kinds = ["apart", "copy", "size", "flat"] as const;

/** Smallest deviations between the clients of a round, for cosines and for logarithms. */
const [minCosineDeviation, minLogDeviation] = [0.02, 0.05];
/**
 * ln of the ratio of the usual distance to the distance of the nearest client, above which a change
 * counts as a copy.
 */
const minCopyLog = 3;
/** Distances to the nearest client below this value count as equal. */
const minDistance = 1e-6;

/**
 * Computes the statistics of a round.
 * @param cosines cosines of whole changes, the mean over modules, K×K; K at least 3
 * @param norms norms of whole changes
 * @param flatness effective ranks of the changes, the mean over modules
 */
export function computeRoundStatistics(
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
  const likeAll = toRobustDeviations(agreement, minCosineDeviation);
  const likeSome = toRobustDeviations(
    others.map((own) => (item(own, 0) + item(own, 1)) / 2),
    minCosineDeviation,
  );
  const distances = others.map((own) => Math.max(1 - item(own, 0), minDistance));
  const usual = median(distances);
  const middle = median(agreement);
  // Agreement means little in rounds in which the clients have nothing in common yet.
  const clarity = middle / Math.max(medianDeviation(agreement, middle), minCosineDeviation);
  return {
    agreement,
    pieces: [
      {
        values: likeAll.map((x, k) => -(x + item(likeSome, k)) / 2),
        weight: Math.max(0.1, Math.min(3, clarity)),
      },
      {
        values: distances.map((distance) => Math.max(0, Math.log(usual / distance) - minCopyLog)),
        weight: 1,
      },
      { values: toRobustDeviations(norms.map(Math.log), minLogDeviation), weight: 1 },
      { values: toRobustDeviations(flatness.map(Math.log), minLogDeviation), weight: 1 },
    ],
  };
}

/** Statistics of one client over its rounds. It is plain data. */
export interface ClientHistory {
  readonly rounds: number;
  /** Moments by piece over the client's rounds; old rounds fade. */
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

export type ClientHistories = ReadonlyMap<string, ClientHistory>;

/** Weight of a client's round relative to its next one. */
const decay = 0.95;
/** Largest number of deviations that a single round counts for. */
const maxDeviations = 6;

/**
 * Returns the histories after a round.
 * @param ids ids of the round's clients, in the order of the statistics
 */
export function addRoundToHistories(
  before: ClientHistories,
  ids: readonly string[],
  { agreement, pieces }: RoundStatistics,
): ClientHistories {
  const after = new Map(before);
  const clearness = item(pieces, 0).weight;
  for (const [k, id] of ids.entries()) {
    const history = before.get(id);
    after.set(id, {
      rounds: (history?.rounds ?? 0) + 1,
      pieces: pieces.map(({ values, weight }, p) => {
        const x = Math.max(-maxDeviations, Math.min(maxDeviations, item(values, k)));
        return addSample(history?.pieces[p], x, weight);
      }),
      agreement: addSample(history?.agreement, item(agreement, k), clearness),
    });
  }
  return after;
}

const emptyMoments: Moments = { weight: 0, weightSquare: 0, sum: 0, square: 0 };

function addSample(before: Moments = emptyMoments, x: number, w: number): Moments {
  return {
    weight: decay * before.weight + w,
    weightSquare: decay ** 2 * before.weightSquare + w * w,
    sum: decay * before.sum + w * x,
    square: decay * before.square + w * x * x,
  };
}

export function meanOf({ sum, weight }: Moments): number {
  return sum / weight;
}

/** Converts values to robust deviations from their median. */
function toRobustDeviations(values: readonly number[], floor: number): number[] {
  const middle = median(values);
  const scale = Math.max(medianDeviation(values, middle), floor);
  return values.map((value) => (value - middle) / scale);
}
