import { sum, item, zip } from "@fedclair/linalg";

/**
 * The blocks of all active clients by view, that is, by module and side. It holds one module or
 * several, in this thread or in others. Search and detection see nothing else of the updates.
 * Clients are indices 0 … size - 1.
 */
export interface Views {
  /** Number of clients. */
  readonly size: number;
  /**
   * Whether each client left the module unchanged, by view and then by client. All lists below have
   * this order.
   */
  readonly isZero: readonly (readonly boolean[])[];
  /**
   * Energies of all clients for the spaces that fit the members best. The spaces themselves stay
   * where the views are.
   */
  fit(members: readonly number[]): Pending<readonly Energies[]>;
  /** Energies of all clients for the spaces that client k shows by itself. */
  fitOwn(k: number): Pending<readonly Energies[]>;
  /**
   * The share of the wanted space that each client's block can show, 0 … 1; 1 for an unchanged
   * module.
   */
  visibleShares(): Pending<readonly (readonly number[])[]>;
  /** Starts reweighting from the fit to all clients. The caller must drop it. */
  reweighing(): Reweighing;
  /** Energies of every member for the fit without its fold. */
  leaveOut(members: readonly number[], folds: number): Pending<readonly Energies[]>;
}

type Pending<T> = T | Promise<T>;

/** Spaces that move step by step from a fit to all clients to weighted fits. */
export interface Reweighing {
  /** Energies for the current spaces. */
  energies(): Pending<readonly Energies[]>;
  /** Makes one step towards a weighted fit to all clients. */
  step(weights: readonly number[]): Pending<Step>;
  drop(): void;
}

export interface Step {
  readonly energies: readonly Energies[];
  /** The largest movement of any space. */
  readonly moved: number;
}

/** The energy of every client's block inside a space, |PZ|², and outside it, |QZ|². */
export interface Energies {
  readonly inside: Float64Array;
  readonly outside: Float64Array;
}

/**
 * Computes every client's sine of the angle to the space: the root of |QZ|² summed over the views
 * and divided by the number of nonzero views.
 */
export function computeSines(
  { isZero }: Pick<Views, "isZero">,
  energies: readonly Energies[],
): number[] {
  return groupByClient(energies).map(({ outside }, k) => {
    const changed = isZero.filter((ofView) => !item(ofView, k)).length;
    return Math.sqrt(sum(outside) / Math.max(1, changed));
  });
}

/** Computes every client's tangent of the angle to the space, |QZ|/|PZ|, at most 1e6. */
export function computeTangents(energies: readonly Energies[]): number[] {
  return groupByClient(energies).map(({ inside, outside }) => toTangent(sum(outside), sum(inside)));
}

/**
 * Computes every client's share of energy inside the space, 0 … 1, as the mean over views; it is 0
 * in a view that the client did not change.
 */
export function computeShares(energies: readonly Energies[]): number[] {
  return groupByClient(energies).map(({ inside, outside }) => {
    const shares = zip(inside, outside).map(([x, y]) => (x === 0 ? 0 : x / (x + y)));
    return sum(shares) / shares.length;
  });
}

/** Energies of each client, by view. */
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
