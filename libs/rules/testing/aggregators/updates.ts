import { toTensor, type TensorDelta, type Update } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  gaussian,
  Matrix,
  multiply,
  thinQr,
  type Stream,
} from "@fedclair/linalg";
import { toLowRank, type Factors } from "../../src/aggregators/factors.js";

/** A p×r matrix with orthonormal columns, uniformly distributed. */
export function randomBasis(rng: Stream, p: number, r: number): Matrix {
  return thinQr(gaussian(rng, p, r)).q;
}

/** An update of the given modules; a matrix is sent dense, factors are sent as a low-rank pair. */
export function updateOf(
  clientId: string,
  modules: Readonly<Record<string, Matrix | Factors>>,
  numExamples = 1,
): Update {
  const entries = Object.entries(modules).map(([name, change]): [string, TensorDelta] => [
    name,
    "b" in change ? toLowRank(change) : toTensor(change),
  ]);
  return { clientId, numExamples, delta: new Map(entries), metrics: {} };
}

export function idOf(k: number): string {
  return `c${String(k).padStart(2, "0")}`;
}

export type Collusion = "independent" | "collude" | "line";

/** A round with one module in which benign clients share a column space. */
export interface Round {
  readonly basis: Matrix;
  /** The changes without noise. */
  readonly ideal: readonly Matrix[];
  readonly sent: readonly Matrix[];
  readonly updates: readonly Update[];
  /** The ids of the contaminated clients, in order. */
  readonly contaminated: readonly string[];
}

/**
 * Matrix denoising (experiment E1 of the design): D_k = U·C_k with C from N(0, 1/q), plus noise
 * from N(0, σ²). Contaminated clients send N(0, 1/q) matrices of rank r at the median benign norm:
 * each in its own space, all in one common space, or all on one line.
 */
export function denoisingRound(
  rng: Stream,
  size: { p: number; q: number; r: number; clients: number; contaminated: number; sigma: number },
  collusion: Collusion | "gauss",
): Round {
  const { p, q, r, clients, contaminated, sigma } = size;
  const basis = randomBasis(rng.at("U"), p, r);
  const attackRank = collusion === "line" ? 1 : r;
  const common = gaussian(rng.at("V"), p, attackRank);
  const order = rng.at("who").sample(Array.from({ length: clients }, (_, k) => k));
  const isBad = new Set(order.slice(0, contaminated));
  const norm = Math.sqrt(r);
  const ideal = Array.from({ length: clients }, (_, k) => {
    const own = rng.at("client", k);
    if (!isBad.has(k)) return multiply(basis, gaussian(own, r, q, 1 / Math.sqrt(q)));
    const x =
      collusion === "gauss"
        ? gaussian(own, p, q)
        : multiply(
            collusion === "independent" ? gaussian(own.at("V"), p, r) : common,
            gaussian(own, attackRank, q),
          );
    return x.scale(norm / frobenius(x));
  });
  const sent = ideal.map((x, k) => {
    const noisy = x.copy();
    addScaled(noisy, 1, gaussian(rng.at("noise", k), p, q, sigma));
    return noisy;
  });
  return {
    basis,
    ideal,
    sent,
    updates: sent.map((x, k) => updateOf(idOf(k), { m: x })),
    contaminated: [...isBad].sort((i, j) => i - j).map(idOf),
  };
}
