import type { ModuleDistance } from "@fedclair/core";
import { at, item, median } from "@fedclair/linalg";

/** How the shared space of each module is searched. */
export interface SpaceOptions {
  readonly side: "left" | "right" | "both";
  readonly rank: number | "auto";
  /** Largest rank that `auto` tries. */
  readonly rankMax: number;
  /** The share of active clients that is certainly benign, in (0, 1]. */
  readonly minBenignFraction: number;
  /** Number of clients whose own spaces the search starts from. */
  readonly starts: number;
  readonly seed: number;
}

/** H, the number of active clients that are certainly benign. */
export function minBenignCount(
  clients: number,
  { minBenignFraction }: Pick<SpaceOptions, "minBenignFraction">,
): number {
  return Math.min(Math.max(Math.ceil(minBenignFraction * clients - 1e-9), 1), clients);
}

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
  step(weights: readonly number[]): Pending<ReweighingStep>;
  drop(): void;
}

export interface ReweighingStep {
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
  return sumByClient(energies, "outside").map((outside, k) => {
    let changed = 0;
    for (const ofView of isZero) if (!item(ofView, k)) changed++;
    return Math.sqrt(outside / Math.max(1, changed));
  });
}

/** Computes every client's tangent of the angle to the space, |QZ|/|PZ|, at most 1e6. */
export function computeTangents(energies: readonly Energies[]): number[] {
  const inside = sumByClient(energies, "inside");
  return sumByClient(energies, "outside").map((outside, k) => toTangent(outside, item(inside, k)));
}

/** The energies of each client, summed over the views. */
function sumByClient(energies: readonly Energies[], part: keyof Energies): number[] {
  const sums = Array<number>(energies[0]?.[part].length ?? 0).fill(0);
  for (const { [part]: own } of energies)
    for (let k = 0; k < sums.length; k++) sums[k] = item(sums, k) + at(own, k);
  return sums;
}

const maxTangent = 1e6;

function toTangent(outside: number, inside: number): number {
  // A client that changed nothing lies in every space.
  return outside === 0 ? 0 : Math.min(Math.sqrt(outside / inside), maxTangent);
}

/**
 * Smaller scores are rounding errors and count as equal, so that their ratios are no gaps. Float32
 * factors give tangents of about 1e-7.
 */
export const scoreFloor = 1e-6;

/** More modules of a client would fill the records of large models. */
const mostListed = 3;

/**
 * A sign-flip, or a change of the usual direction in another size, lies no farther outside than
 * others. Its largest ratio is chance and must not look like an explanation.
 */
const leastRatio = 1.5;

/**
 * Lists the modules in which clients lie farthest outside the shared space: at most three with at
 * least 1.5 times the median tangent of the benign clients, the farthest first.
 * @param names of the modules
 * @param energies by view; the views of a module are neighbours
 * @param benign indices of the clients to compare with
 * @param wanted indices of the clients to list
 * @returns the lists by index; clients without such a module are left out, and so are all if there
 *   is a single module or no benign client
 */
export function listFarModules(
  names: readonly string[],
  energies: readonly Energies[],
  benign: readonly number[],
  wanted: readonly number[],
): Map<number, readonly ModuleDistance[]> {
  if (names.length < 2 || benign.length === 0 || wanted.length === 0) return new Map();
  const sides = energies.length / names.length;
  const modules = names.map((module, m) => {
    const tangents = computeTangents(energies.slice(m * sides, (m + 1) * sides));
    const tangentOf = (k: number) => Math.max(item(tangents, k), scoreFloor);
    return { module, tangentOf, usual: median(benign.map(tangentOf)) };
  });
  return new Map(
    wanted.flatMap((k) => {
      const far = modules
        .map(({ module, tangentOf, usual }) => ({ module, ratio: tangentOf(k) / usual }))
        .filter(({ ratio }) => ratio >= leastRatio)
        .sort((x, y) => y.ratio - x.ratio)
        .slice(0, mostListed)
        // Every record repeats the numbers, and nobody needs more digits.
        .map(({ module, ratio }) => ({ module, ratio: Number(ratio.toPrecision(3)) }));
      return far.length === 0 ? [] : [[k, far] as const];
    }),
  );
}
