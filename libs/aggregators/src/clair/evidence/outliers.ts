import { at, item } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { forwardSearch, chooseCoreSizes } from "./forward-search.js";
import { getNullLaw } from "./null-law.js";
import { computeFisherStatistics, sumFisherStatistics, type Piece } from "./fisher-statistics.js";

/**
 * Probability below which the client nearest to the members stays an outlier, once outliers are
 * known to exist.
 */
const joinProbability = 0.1;

export interface Outliers {
  /** Clients that are not outliers, ascending. */
  readonly members: readonly number[];
  readonly outliers: readonly number[];
  /** Statistic of each client relative to the limit for outliers. Outliers have 1 or more. */
  readonly excess: Float64Array;
  /** Fisher statistics by piece, then by client. */
  readonly statistics: readonly Float64Array[];
}

/**
 * Finds the clients, at most half, that the others do not explain. In clean federations it finds
 * any with probability `rate`. A search from the inner half first decides whether there are
 * outliers; clients that the members explain are then added back, the nearest first.
 * @param pieces at least one, each with at least six clients
 * @param rate in [0.001, 0.5]
 */
export async function findOutliers(pieces: readonly Piece[], rate: number): Promise<Outliers> {
  const clients = item(pieces, 0).values.length;
  const { law, sizes } = await loadNullLaw(clients, pieces.length);
  const { statistics: statistics, cores } = forwardSearch(pieces, sizes);
  const limit = law.pointwise(rate);
  const look = statistics.findIndex((statistic, l) => law.pValue(l, statistic) <= limit);
  if (look < 0)
    return toOutliers(pieces, indices(clients), await computeJoinLimit(clients, pieces.length));
  const members = new Set(item(cores, look));
  for (;;) {
    const sums = sumFisherStatistics(pieces, [...members]);
    const rest = indices(clients).filter((k) => !members.has(k));
    const next = rest.reduce((x, y) => (at(sums, y) < at(sums, x) ? y : x), item(rest, 0));
    const critical = await computeJoinLimit(members.size + 1, pieces.length);
    if (at(sums, next) >= critical)
      return toOutliers(pieces, keepExplained(pieces, members, critical), critical);
    members.add(next);
    if (members.size === clients) return toOutliers(pieces, [...members], critical);
  }
}

/**
 * Drops members that the other members do not explain, because the first core may have contained an
 * outlier among many.
 */
function keepExplained(
  pieces: readonly Piece[],
  members: ReadonlySet<number>,
  critical: number,
): number[] {
  let explained = [...members];
  for (let pass = 0; pass < 5; pass++) {
    const sums = sumFisherStatistics(pieces, explained);
    const next = explained.filter((k) => at(sums, k) < critical);
    if (next.length === explained.length || 2 * next.length <= sums.length) break;
    explained = next;
  }
  return explained;
}

/**
 * Returns the null law for this number of clients. The first call takes a while; a caller can start
 * it before the pieces are known.
 */
export async function loadNullLaw(clients: number, pieces: number) {
  const sizes = chooseCoreSizes(clients);
  return { law: await getNullLaw(clients, pieces, sizes), sizes };
}

/**
 * Largest number of clients with an exact limit. Above it, limits are interpolated between numbers
 * that differ by a quarter.
 */
const maxExactClients = 24;
const sizeRatio = 1.25;

/**
 * The statistic that the last of the clients exceeds with probability `joinProbability` if it is
 * like the others. Members join one by one, and simulating a law for each number of them would take
 * minutes for hundreds of clients.
 */
async function computeJoinLimit(clients: number, pieces: number): Promise<number> {
  const readLimit = async (count: number) => {
    const law = await getNullLaw(count, pieces, [count - 1]);
    return law.quantile(0, 1 - joinProbability);
  };
  if (clients <= maxExactClients) return readLimit(clients);
  const place = Math.log(clients / maxExactClients) / Math.log(sizeRatio);
  const [low = 0, high = 0] = [Math.floor(place), Math.floor(place) + 1].map((step) =>
    Math.round(maxExactClients * sizeRatio ** step),
  );
  const [below, above] = [await readLimit(low), await readLimit(high)];
  return below + ((above - below) * (clients - low)) / (high - low);
}

function toOutliers(
  pieces: readonly Piece[],
  unordered: readonly number[],
  critical: number,
): Outliers {
  const members = unordered.toSorted((i, j) => i - j);
  const inside = new Set(members);
  const excess = sumFisherStatistics(pieces, members).map((sum) => sum / critical);
  const outliers = indices(excess.length).filter((k) => !inside.has(k));
  return { members, outliers, excess, statistics: computeFisherStatistics(pieces, members) };
}
