import { indices, item, sum, type Stream } from "@fedclair/linalg";

/*
 * Ways to deal out the samples 0 … n - 1. Each function returns one list of samples per client, and
 * every sample is in exactly one list, except under `natural`. `partition` checks beforehand that
 * there are enough samples.
 */

export type Parts = number[][];

/** Deals out at random, in parts whose sizes differ by at most one. */
export function iid(samples: number, clients: number, rng: Stream): Parts {
  return cutSlices(shuffle(samples, rng), computeEvenSizes(samples, clients));
}

/**
 * Shares out the samples of every class among the clients in proportions drawn from
 * Dirichlet(`alpha`): Li et al., Federated Learning on Non-IID Data Silos (arXiv 2102.02079), after
 * Yurochkin et al. (arXiv 1905.12022). They repeat the draw until no client has too little, which
 * may never end. Here, the largest clients give some of their samples to those below `minimum`.
 */
export function dirichlet(
  labels: ArrayLike<number>,
  clients: number,
  { alpha, minimum }: { readonly alpha: number; readonly minimum: number },
  rng: Stream,
): Parts {
  const parts: Parts = Array.from({ length: clients }, () => []);
  for (const [label, samples] of groupByLabel(labels, rng.at("order"))) {
    const shares = rng.at("shares", label).dirichlet(clients, alpha);
    cutSlices(samples, computeWholeSizes(shares, samples.length)).forEach((slice, k) => {
      parts[k]?.push(...slice);
    });
  }
  return topUp(parts, minimum, rng.at("top-up"));
}

/**
 * Sorts by class, cuts into clients · `perClient` shards whose sizes differ by at most one, and
 * deals these out at random. This is the "pathological" split of McMahan et al. (arXiv 1602.05629,
 * section 3).
 */
export function shards(
  labels: ArrayLike<number>,
  clients: number,
  perClient: number,
  rng: Stream,
): Parts {
  const sorted = groupByLabel(labels, rng.at("order")).flatMap(([, samples]) => samples);
  const allShards = cutSlices(sorted, computeEvenSizes(sorted.length, clients * perClient));
  const shuffledShards = rng.at("deal").sample(allShards);
  return Array.from({ length: clients }, (_, k) =>
    shuffledShards.slice(k * perClient, (k + 1) * perClient).flat(),
  );
}

/**
 * Deals out at random, in parts with log-normal sizes: proportional to exp(`sigma`·N(0, 1)), but at
 * least `minimum`.
 */
export function quantity(
  samples: number,
  clients: number,
  { sigma, minimum }: { readonly sigma: number; readonly minimum: number },
  rng: Stream,
): Parts {
  const logs = rng.at("sizes").normals(clients, sigma);
  // Shares are relative to the largest, which may itself overflow.
  const largest = Math.max(...logs);
  const shares = logs.map((log) => Math.exp(log - largest));
  const sizes = computeWholeSizes(shares, samples);
  return topUp(cutSlices(shuffle(samples, rng.at("order")), sizes), minimum, rng.at("top-up"));
}

/** Client k gets the samples of owner k. Samples of owners beyond the last client are left out. */
export function natural(owners: ArrayLike<number>, clients: number): Parts {
  const parts: Parts = Array.from({ length: clients }, () => []);
  for (let i = 0; i < owners.length; i++) parts[item(owners, i)]?.push(i);
  return parts;
}

function shuffle(samples: number, rng: Stream): number[] {
  return rng.sample(indices(samples));
}

/** Groups the samples by label, each group in random order and the labels ascending. */
function groupByLabel(labels: ArrayLike<number>, rng: Stream): [number, number[]][] {
  const byLabel = new Map<number, number[]>();
  for (const i of shuffle(labels.length, rng)) {
    const label = item(labels, i);
    const samples = byLabel.get(label);
    if (samples) samples.push(i);
    else byLabel.set(label, [i]);
  }
  return [...byLabel].sort(([a], [b]) => a - b);
}

function computeEvenSizes(total: number, parts: number): number[] {
  return Array.from(
    { length: parts },
    (_, k) => Math.floor(total / parts) + Number(k < total % parts),
  );
}

/** Computes whole numbers that sum to `total`, each less than one away from its share of it. */
function computeWholeSizes(shares: Float64Array, total: number): number[] {
  const whole = sum(shares);
  let [before, previousBound] = [0, 0];
  return Array.from(shares, (share, k) => {
    before += share;
    // Sets the last bound exactly, independent of rounding in the sum.
    const bound = k === shares.length - 1 ? total : Math.floor((before / whole) * total);
    const size = bound - previousBound;
    previousBound = bound;
    return size;
  });
}

/** Cuts consecutive stretches of the given sizes. */
function cutSlices(samples: readonly number[], sizes: readonly number[]): Parts {
  let end = 0;
  return sizes.map((size) => samples.slice(end, (end += size)));
}

/** Moves random samples, one at a time, from the largest part to those below `minimum`. */
function topUp(parts: Parts, minimum: number, rng: Stream): Parts {
  for (const part of parts) {
    while (part.length < minimum) {
      const largest = parts.reduce((a, b) => (b.length > a.length ? b : a));
      part.push(...largest.splice(rng.int(largest.length), 1));
    }
  }
  return parts;
}
