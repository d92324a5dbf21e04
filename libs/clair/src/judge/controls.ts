import { at, item, mapNumbers, type Stream, indices } from "@fedclair/linalg";
import { computeAgreement, selectClients, type ClientMeasures } from "../measures/measures.js";
import { normalEvenness } from "../measures/module-measures.js";
import type { PieceKind } from "./pieces.js";

/** The kinds of attackers that are planted as positive controls, with what each one does. */
export const controlMeanings = {
  boosted: "an update scaled by 5",
  doubled: "an update scaled by 2",
  flipped: "an update with its sign flipped",
  colluding: "four clients with part of a random direction in common (cosine .3)",
  noise: "normal noise of the usual size",
  direction: "one random direction of the usual size and shape",
} as const;

export type ControlKind = keyof typeof controlMeanings;
export const controlKinds = Object.keys(controlMeanings) as ControlKind[];

/** Factors of scaled updates. */
const [boost, doubling] = [5, 2];
/** Number of plants of a kind; each replaces another client. */
const plants = 8;
/** Share of the plants that must stand out for a pile to count as cleared of their kind. */
const minPower = 0.8;
/** Number of colluding clients, and the cosine between them; trained ones have .1 to .5. */
const [colluders, collusion] = [4, 0.3];

/** A planted attacker. */
interface Plant {
  readonly score: number;
  /** The upper threshold of the clients that it was planted among. */
  readonly upper: number;
}

/** The planted attackers, by kind, in one list for each client that was replaced. */
type Planted = Readonly<Record<ControlKind, readonly (readonly Plant[])[]>>;

/** Share of plants of each kind, 0 … 1. */
export type Power = Readonly<Record<ControlKind, number>>;

/**
 * Plants known attackers among the clients, each in place of a trusted one, and scores them. They
 * are planted into the measures, so no change is computed again.
 * @param score the rule that is tested; it may use the trusted clients that are left, and their
 * agreement with the clients that were there before, which come first
 */
export function plantAttackers(
  measures: ClientMeasures,
  trusted: readonly number[],
  score: (
    measures: ClientMeasures,
    trusted: readonly number[],
    agreement: Float64Array,
  ) => Pick<Plant, "upper"> & {
    readonly scoreOf: (k: number, except: PieceKind | undefined) => number;
  },
  rng: Stream,
): Planted {
  const members = new Set(trusted);
  const places = rng
    .at("parents")
    .sample([...trusted])
    .slice(0, plants)
    .map((parent) => {
      const kept = indices(measures.size.length).filter((k) => k !== parent);
      const left = indices(kept.length).filter((i) => members.has(item(kept, i)));
      const alone = replaceClient(measures, parent, kept, 1);
      // Plants are not trusted, so it is the same for all kinds.
      const agreement = computeAgreement(alone, left).subarray(0, kept.length);
      return { parent, kept, left, agreement, alone };
    });
  const scored = controlKinds.map((kind) => {
    const lists = places.map(({ parent, kept, left, agreement, alone }) => {
      const own = kind === "colluding" ? replaceClient(measures, parent, kept, colluders) : alone;
      const added = indices(own.size.length).slice(kept.length);
      const planted = alter(own, added, kind, rng.at(kind, parent));
      const { scoreOf, upper } = score(planted, left, agreement);
      // A single attacker is no clique. It must not be found because real attackers move with it.
      const except = kind === "colluding" ? undefined : "clique";
      return added.map((k) => ({ score: scoreOf(k, except), upper }));
    });
    return [kind, lists] as const;
  });
  return Object.fromEntries(scored) as unknown as Planted;
}

/** The share of plants of each kind with a score above a limit. */
export function shareAbove(planted: Planted, limitOf: (plant: Plant) => number): Power {
  const shares = controlKinds.map((kind) => {
    const all = planted[kind].flat();
    return [kind, all.filter((one) => one.score > limitOf(one)).length / all.length] as const;
  });
  return Object.fromEntries(shares) as Power;
}

/** The kinds that at least 80 % of the plants of were found of. */
export function listCleared(power: Power): ControlKind[] {
  return controlKinds.filter((kind) => power[kind] >= minPower);
}

/** The measures with a client replaced by copies of it, which come last. */
function replaceClient(
  measures: ClientMeasures,
  parent: number,
  kept: readonly number[],
  count: number,
): ClientMeasures {
  const own = selectClients(measures, [...kept, ...Array<number>(count).fill(parent)]);
  // No plant is a copy of its parent or of another one.
  const free = Math.max(...own.groups) + 1;
  return { ...own, groups: own.groups.map((group, i) => (i < kept.length ? group : free + i)) };
}

/** Changes copies of honest clients into attackers. @param own shared by all kinds */
function alter(
  own: ClientMeasures,
  added: readonly number[],
  kind: ControlKind,
  rng: Stream,
): ClientMeasures {
  const { size, shape, evenness, outside, residuals, noise } = own;
  const change = (values: Float64Array, valueOf: (x: number, k: number) => number) =>
    mapNumbers(values, (x, k) => (added.includes(k) ? valueOf(x, k) : x));
  const changeEnergies = (factorOf: (k: number) => number) =>
    residuals && {
      residuals: {
        ...residuals,
        energies: change(residuals.energies, (x, k) => factorOf(k) * x),
      },
    };
  const setCosines = (cosineOf: (other: number, added: number) => number) => {
    const cosines = own.cosines.copy();
    for (const k of added) {
      for (let j = 0; j < cosines.rows; j++) {
        const cosine = j === k ? 1 : added.includes(j) ? collusion : cosineOf(j, k);
        cosines.data[j + k * cosines.rows] = cosine;
        cosines.data[k + j * cosines.rows] = cosine;
      }
    }
    return { cosines };
  };
  const scale = (factor: number) => ({
    ...own,
    size: change(size, (x) => x + Math.log(factor)),
    ...changeEnergies(() => factor ** 2),
  });
  const turnAway = () => {
    // Colluders share their direction, and so their cosines with the others.
    const draws = rng.normals(size.length);
    return {
      ...own,
      ...setCosines((other) => noise.cosine * at(draws, other)),
      // All of its energy lies outside.
      ...changeEnergies((k) => 1 + Math.exp(-2 * at(outside, k))),
      outside: change(outside, (x) => Math.max(x, noise.outside)),
    };
  };
  switch (kind) {
    case "boosted":
      return scale(boost);
    case "doubled":
      return scale(doubling);
    case "flipped":
      return { ...own, ...setCosines((other, k) => -own.cosines.get(other, k)) };
    case "colluding":
    case "direction":
      return turnAway();
    case "noise":
      return {
        ...turnAway(),
        shape: change(shape, () => noise.shape),
        evenness: change(evenness, () => normalEvenness),
      };
  }
}

/**
 * Says what a client about whom nothing stands out is cleared of.
 * @param required kinds that it must be cleared of
 */
export function describeControls(
  cleared: readonly ControlKind[],
  power: Power,
  required: readonly ControlKind[],
  isTooFew: boolean,
): string {
  if (isTooFew) return "nothing stands out, but so few clients cannot show that nothing would";
  const missing = required.filter((kind) => !cleared.includes(kind));
  if (missing.length > 0) {
    return `nothing stands out, but neither would ${missing.map((kind) => controlMeanings[kind]).join(", or ")}`;
  }
  if (cleared.length === 0) {
    return "nothing stands out, but no attacker that was planted to try it did either";
  }
  const found = cleared.map((kind) => controlMeanings[kind]).join(", ");
  const others = controlKinds.filter((kind) => !cleared.includes(kind));
  const sentence = `nothing stands out; here ${found} would`;
  if (others.length === 0) return sentence;
  const rest = others.map(
    (kind) => `${controlMeanings[kind]} in ${Math.floor(100 * power[kind])} % of attempts`,
  );
  return `${sentence}, ${rest.join(", ")}`;
}
