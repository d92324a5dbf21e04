import { sum, item } from "@fedclair/linalg";
import { zip } from "../lists.js";
import type { ClairOptions } from "../options.js";

/**
 * All active clients' blocks, by view: a module seen from one side. Of one module, or of all modules together, wherever they lie. This is all that
 * search and detection know of the updates. Clients are indices 0 … size - 1.
 */
export interface Views {
  /** Number of clients. */
  readonly size: number;
  /** By view, as all lists below, by client: did it leave the module as it was? */
  readonly isZero: readonly (readonly boolean[])[];
  readonly pooling: ClairOptions["pooling"];
  /** All clients' energies about the spaces that fit the members best. The spaces themselves stay where the views lie. */
  fit(members: readonly number[]): Pending<readonly Energies[]>;
  /** The same about the spaces that client k shows by itself. */
  fitOwn(k: number): Pending<readonly Energies[]>;
  /** By client, how much of the space sought its block can show, 0 … 1; all, of a module that it did not change. */
  visibleShares(): Pending<readonly (readonly number[])[]>;
  /** From the fit to all clients. To be dropped in the end. */
  reweighing(): Reweighing;
  /** Every member's energies about the fit without its fold. */
  leaveOut(members: readonly number[], folds: number): Pending<readonly Energies[]>;
  /** |S_k|_F of every client by outlier pursuit. */
  pursueOutliers(): Pending<readonly (readonly number[])[]>;
}

type Pending<T> = T | Promise<T>;

/** Spaces that go, step by step, from a fit to all clients to weighted ones. */
export interface Reweighing {
  /** About the spaces as they are. */
  energies(): Pending<readonly Energies[]>;
  /** One step of a fit to all clients, weighted. */
  step(weights: readonly number[]): Pending<Step>;
  drop(): void;
}

export interface Step {
  readonly energies: readonly Energies[];
  /** How far the farthest space went. */
  readonly moved: number;
}

/** What every client's block has inside a space, |PZ|², and outside it, |QZ|². */
export interface Energies {
  readonly inside: Float64Array;
  readonly outside: Float64Array;
}

type Pooled = Pick<Views, "isZero" | "pooling">;

/**
 * Every client's sine of the angle to the space: the root of |QZ|² summed over the views and divided by the number of
 * those that are not zero; with pooling max the largest by view.
 */
export function computeSines({ isZero, pooling }: Pooled, energies: readonly Energies[]): number[] {
  return groupByClient(energies).map(({ outside }, k) => {
    if (pooling === "max") return Math.sqrt(Math.max(0, ...outside));
    const changed = isZero.filter((ofView) => !item(ofView, k)).length;
    return Math.sqrt(sum(outside) / Math.max(1, changed));
  });
}

/** Every client's tangent of the angle to the space, |QZ|/|PZ|, at most 1e6; with pooling max the largest by view. */
export function computeTangents(
  { pooling }: Pick<Views, "pooling">,
  energies: readonly Energies[],
): number[] {
  return groupByClient(energies).map(({ inside, outside }) =>
    pooling === "max"
      ? Math.max(0, ...zip(outside, inside).map((pair) => toTangent(...pair)))
      : toTangent(sum(outside), sum(inside)),
  );
}

/** Every client's share of energy inside the space, 0 … 1, the mean over views; none of a view that it did not change. */
export function computeShares(energies: readonly Energies[]): number[] {
  return groupByClient(energies).map(({ inside, outside }) => {
    const shares = zip(inside, outside).map(([x, y]) => (x === 0 ? 0 : x / (x + y)));
    return sum(shares) / shares.length;
  });
}

/** Of each client, by view. */
function groupByClient(energies: readonly Energies[]): { inside: number[]; outside: number[] }[] {
  const [first] = energies;
  return Array.from(first?.inside ?? [], (_, k) => ({
    inside: energies.map(({ inside }) => item(inside, k)),
    outside: energies.map(({ outside }) => item(outside, k)),
  }));
}

const maxTangent = 1e6;

function toTangent(outside: number, inside: number): number {
  // A client that changed nothing lies in every space.
  return outside === 0 ? 0 : Math.min(Math.sqrt(outside / inside), maxTangent);
}
