import { at, item } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { forwardSearch, looksOf } from "./forward-search.js";
import { nullLaw } from "./null-law.js";
import { surprises, totalSurprises, type Piece } from "./surprise.js";

/** Once it is certain that there are outliers: how rare whoever is next to the members must be to be one. */
const joining = 0.1;

export interface Outliers {
  /** Ascending. */
  readonly members: readonly number[];
  readonly outliers: readonly number[];
  /** By client: its surprise in units of the least that makes an outlier here. Outliers are at 1 or more. */
  readonly excess: Float64Array;
  /** By piece, by client. */
  readonly surprises: readonly Float64Array[];
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
  const { law, sizes } = await lawFor(clients, pieces.length);
  const { surprises: seen, cores } = forwardSearch(pieces, sizes);
  const limit = law.pointwise(rate);
  const look = seen.findIndex((surprise, l) => law.pValue(l, surprise) <= limit);
  if (look < 0) return outcome(pieces, indices(clients), await limitFor(clients, pieces.length));
  const members = new Set(item(cores, look));
  for (;;) {
    const sums = totalSurprises(pieces, [...members]);
    const rest = indices(clients).filter((k) => !members.has(k));
    const next = rest.reduce((x, y) => (at(sums, y) < at(sums, x) ? y : x), item(rest, 0));
    const critical = await limitFor(members.size + 1, pieces.length);
    if (at(sums, next) >= critical)
      return outcome(pieces, expelled(pieces, members, critical), critical);
    members.add(next);
    if (members.size === clients) return outcome(pieces, [...members], critical);
  }
}

/** The core that the search began with may have held an outlier, among many: whom the other members do not explain is none. */
function expelled(
  pieces: readonly Piece[],
  members: ReadonlySet<number>,
  critical: number,
): number[] {
  let kept = [...members];
  for (let pass = 0; pass < 5; pass++) {
    const sums = totalSurprises(pieces, kept);
    const next = kept.filter((k) => at(sums, k) < critical);
    if (next.length === kept.length || 2 * next.length <= sums.length) break;
    kept = next;
  }
  return kept;
}

/**
 * What is expected of so many clients where nobody is contaminated. It takes a while when first asked for: who asks before the
 * pieces are known need not wait for it then.
 */
export async function lawFor(clients: number, pieces: number) {
  const sizes = looksOf(clients);
  return { law: await nullLaw(clients, pieces, sizes), sizes };
}

/** Up to so many clients a limit is that of their number; of more, between those of numbers a quarter apart. */
const mostExact = 24;
const stride = 1.25;

/**
 * The surprise that the last of so many clients exceeds with probability `joining` if it is like the others. Members join one by one, and
 * a law for each of their numbers would take minutes where there are hundreds.
 */
async function limitFor(clients: number, pieces: number): Promise<number> {
  const limitOf = async (count: number) => {
    const law = await nullLaw(count, pieces, [count - 1]);
    return law.quantile(0, 1 - joining);
  };
  if (clients <= mostExact) return limitOf(clients);
  const place = Math.log(clients / mostExact) / Math.log(stride);
  const [low = 0, high = 0] = [Math.floor(place), Math.floor(place) + 1].map((step) =>
    Math.round(mostExact * stride ** step),
  );
  const [below, above] = [await limitOf(low), await limitOf(high)];
  return below + ((above - below) * (clients - low)) / (high - low);
}

function outcome(
  pieces: readonly Piece[],
  unordered: readonly number[],
  critical: number,
): Outliers {
  const members = unordered.toSorted((i, j) => i - j);
  const inside = new Set(members);
  const excess = totalSurprises(pieces, members).map((sum) => sum / critical);
  const outliers = indices(excess.length).filter((k) => !inside.has(k));
  return { members, outliers, excess, surprises: surprises(pieces, members) };
}
