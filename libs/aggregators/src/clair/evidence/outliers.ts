import { at, item } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { forwardSearch, chooseCoreSizes } from "./forward-search.js";
import { getNullLaw } from "./null-law.js";
import { computeFisherStatistics, sumFisherStatistics, type Piece } from "./fisher-statistics.js";

/** Once it is certain that there are outliers: how rare whoever is next to the members must be to be one. */
const joinProbability = 0.1;

export interface Outliers {
  /** Ascending. */
  readonly members: readonly number[];
  readonly outliers: readonly number[];
  /** By client: its surprise in units of the least that makes an outlier here. Outliers are at 1 or more. */
  readonly excess: Float64Array;
  /** By piece, by client. */
  readonly statistics: readonly Float64Array[];
}

/**
 * The clients, at most half, that the others do not explain: none in all but a share `rate` of federations where nobody is
 * contaminated. A search from the inner half first asks whether there are any; whoever the members explain after all is taken
 * back, the nearest first.
 * @param pieces at least one, each of at least six clients
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

/** The core that the search began with may have held an outlier, among many: whom the other members do not explain is none. */
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
 * What is expected of so many clients where nobody is contaminated. It takes a while when first asked for: who asks before the
 * pieces are known need not wait for it then.
 */
export async function loadNullLaw(clients: number, pieces: number) {
  const sizes = chooseCoreSizes(clients);
  return { law: await getNullLaw(clients, pieces, sizes), sizes };
}

/** Up to so many clients a limit is that of their number; of more, between those of numbers a quarter apart. */
const maxExactClients = 24;
const sizeRatio = 1.25;

/**
 * The surprise that the last of so many clients exceeds with probability `joining` if it is like the others. Members join one by one, and
 * a law for each of their numbers would take minutes where there are hundreds.
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
