import { sum, type Stream, item } from "@fedclair/linalg";

/*
 * Ways to deal out the samples 0 … n - 1. Each returns, for every client, the samples it gets; every sample goes to exactly one.
 * `partition` checks beforehand that there are enough of them.
 */

export type Parts = number[][];

/** At random; sizes differ by one at most. */
export function iid(samples: number, clients: number, rng: Stream): Parts {
  return slices(shuffled(samples, rng), evenSizes(samples, clients));
}

/**
 * The samples of every class are shared out by proportions over the clients, drawn from Dirichlet(`alpha`): Li et al.,
 * Federated Learning on Non-IID Data Silos (arXiv 2102.02079), after Yurochkin et al. (arXiv 1905.12022). They draw anew until
 * nobody has too little, which need not end; here the largest clients give some of theirs to those below `minimum`.
 */
export function dirichlet(
  labels: ArrayLike<number>,
  clients: number,
  { alpha, minimum }: { readonly alpha: number; readonly minimum: number },
  rng: Stream,
): Parts {
  const parts: Parts = Array.from({ length: clients }, () => []);
  for (const [label, samples] of samplesByLabel(labels, rng.at("order"))) {
    const shares = rng.at("shares", label).dirichlet(clients, alpha);
    slices(samples, wholeSizes(shares, samples.length)).forEach((slice, k) => {
      parts[k]?.push(...slice);
    });
  }
  return toppedUp(parts, minimum, rng.at("top-up"));
}

/**
 * Sorted by class and cut into clients · `perClient` shards of one size (give or take one), which are dealt out at random: the
 * "pathological" split of McMahan et al. (arXiv 1602.05629, section 3).
 */
export function shards(
  labels: ArrayLike<number>,
  clients: number,
  perClient: number,
  rng: Stream,
): Parts {
  const sorted = samplesByLabel(labels, rng.at("order")).flatMap(([, samples]) => samples);
  const cut = slices(sorted, evenSizes(sorted.length, clients * perClient));
  const dealt = rng.at("deal").sample(cut);
  return Array.from({ length: clients }, (_, k) =>
    dealt.slice(k * perClient, (k + 1) * perClient).flat(),
  );
}

/** At random, in parts whose sizes are log-normal: proportional to exp(`sigma`·N(0, 1)), but none below `minimum`. */
export function quantity(
  samples: number,
  clients: number,
  { sigma, minimum }: { readonly sigma: number; readonly minimum: number },
  rng: Stream,
): Parts {
  const logs = rng.at("sizes").normals(clients, sigma);
  // Relative to the largest, which may be too large to compute with.
  const largest = Math.max(...logs);
  const shares = logs.map((log) => Math.exp(log - largest));
  const sizes = wholeSizes(shares, samples);
  return toppedUp(slices(shuffled(samples, rng.at("order")), sizes), minimum, rng.at("top-up"));
}

/** Client k gets the samples of owner k; those of owners beyond the last client go to nobody. */
export function natural(owners: ArrayLike<number>, clients: number): Parts {
  const parts: Parts = Array.from({ length: clients }, () => []);
  for (let i = 0; i < owners.length; i++) parts[item(owners, i)]?.push(i);
  return parts;
}

function shuffled(samples: number, rng: Stream): number[] {
  return rng.sample(Array.from({ length: samples }, (_, i) => i));
}

/** The samples of every label in random order, by ascending label. */
function samplesByLabel(labels: ArrayLike<number>, rng: Stream): [number, number[]][] {
  const byLabel = new Map<number, number[]>();
  for (const i of shuffled(labels.length, rng)) {
    const label = item(labels, i);
    const samples = byLabel.get(label);
    if (samples) samples.push(i);
    else byLabel.set(label, [i]);
  }
  return [...byLabel].sort(([a], [b]) => a - b);
}

function evenSizes(total: number, parts: number): number[] {
  return Array.from(
    { length: parts },
    (_, k) => Math.floor(total / parts) + Number(k < total % parts),
  );
}

/** Whole numbers that sum to `total`, each less than one away from its share of it. */
function wholeSizes(shares: Float64Array, total: number): number[] {
  const whole = sum(shares);
  let [before, given] = [0, 0];
  return Array.from(shares, (share, k) => {
    before += share;
    // The last bound is exact, whatever rounding did to the sum.
    const bound = k === shares.length - 1 ? total : Math.floor((before / whole) * total);
    const size = bound - given;
    given = bound;
    return size;
  });
}

/** Consecutive stretches of the given sizes. */
function slices(samples: readonly number[], sizes: readonly number[]): Parts {
  let end = 0;
  return sizes.map((size) => samples.slice(end, (end += size)));
}

/** Moves random samples, one at a time, from the largest part to those below `minimum`. */
function toppedUp(parts: Parts, minimum: number, rng: Stream): Parts {
  for (const part of parts) {
    while (part.length < minimum) {
      const largest = parts.reduce((a, b) => (b.length > a.length ? b : a));
      part.push(...largest.splice(rng.int(largest.length), 1));
    }
  }
  return parts;
}
