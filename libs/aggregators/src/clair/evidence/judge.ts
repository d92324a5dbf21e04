import { at, item, median, type Matrix } from "@fedclair/linalg";
import type { Detection } from "../detection/detect.js";
import { indices, pick } from "../lists.js";
import { findOutliers, leastClients, type Outliers } from "./outliers.js";
import {
  agreeingCore,
  apart,
  large,
  likenessOf,
  opposed,
  piecesOf,
  together,
  type Likeness,
} from "./pieces.js";

/** A piece of evidence about one client. */
export interface Evidence {
  readonly kind: "outside" | "apart" | "size" | "clique";
  /** Of `outside` the tangent of the angle to the shared space; of `apart` the median cosine with the others; else as named. */
  readonly statistic: number;
  /** That a benign client is as far from the others; of `outside`, which has no law, undefined. */
  readonly pValue?: number;
}

export interface Judgement {
  /** Ascending. */
  readonly contaminated: readonly number[];
  /** Who is neither accused nor stands apart, ascending. */
  readonly benign: readonly number[];
  /** Why, by client. */
  readonly undecided: ReadonlyMap<number, string>;
  /** By client: in units of what convicts. */
  readonly scores: readonly number[];
  /** By client. */
  readonly evidence: readonly (readonly Evidence[])[];
}

/** A space that holds at least so much of the benign changes convicts whoever lies outside it; else it is one piece among others. */
const trusted = 0.5;

/** χ² with 4 degrees of freedom, exceeded with probability 0.05: what size and clique say together. */
const guilt = 9.488;

/** Below it the members' median cosine is none. */
const leastAgreement = 0.02;

/**
 * Who is contaminated, by evidence of more than one kind. Lying outside the shared space convicts where that space holds most of
 * what benign clients do. Else a client must stand out from all others together, and not only by standing apart: honest clients
 * of another kind do that too. What else tells is a large change, a clique, or a change opposed to the others'.
 * @param grams ⟨X_i, X_j⟩ of the clients, by module
 * @param insideOf every client's share of energy in the direction that a core shares, fitted without it
 * @param detection by the shared space alone
 * @param rate of federations without a contaminated client in which somebody is accused
 */
export async function judge(
  grams: readonly Matrix[],
  insideOf: (core: readonly number[]) => Promise<readonly number[]>,
  detection: Detection,
  rate: number,
): Promise<Judgement> {
  const { benign, scores, threshold } = detection;
  const held = median(pick(scores, benign).map((tangent) => 1 / (1 + tangent * tangent)));
  const isTrusted = held >= trusted;
  const byOutside = scores.map((score) => (isTrusted ? score / threshold : 0));
  const outside = (k: number): Evidence => ({ kind: "outside", statistic: item(scores, k) });
  if (scores.length < leastClients) {
    const why = `too few clients: ${scores.length}, evidence of more than one kind takes ${leastClients}`;
    const contaminated = beyond(byOutside);
    return {
      contaminated,
      benign: without(indices(scores.length), contaminated),
      undecided: new Map(isTrusted ? [] : indices(scores.length).map((k) => [k, why])),
      scores: byOutside,
      evidence: scores.map((_, k) => [outside(k)]),
    };
  }
  const likeness = likenessOf(grams);
  const core = agreeingCore(likeness);
  const isOpposed = opposed(likeness, core);
  const found = await findOutliers(piecesOf(likeness, await insideOf(core), core), rate);
  const convicted = new Set([
    ...beyond(byOutside),
    ...found.outliers.filter((k) => isGuilty(k, found, isOpposed)),
  ]);
  return {
    contaminated: indices(scores.length).filter((k) => convicted.has(k)),
    benign: found.members.filter((k) => !convicted.has(k)),
    undecided: undecidedOf(found, convicted, likeness, isTrusted),
    scores: byOutside.map((score, k) => Math.max(score, at(found.excess, k))),
    evidence: scores.map((_, k) => [outside(k), ...evidenceOf(k, found, likeness)]),
  };
}

function without(list: readonly number[], some: readonly number[]): number[] {
  return list.filter((k) => !some.includes(k));
}

function beyond(scores: readonly number[]): number[] {
  return indices(scores.length).filter((k) => item(scores, k) > 1);
}

/** Does more tell against an outlier than that it stands apart? */
function isGuilty(k: number, { surprises }: Outliers, isOpposed: readonly boolean[]): boolean {
  const bySizeAndClique = at(item(surprises, large), k) + at(item(surprises, together), k);
  return item(isOpposed, k) || bySizeAndClique > guilt;
}

function undecidedOf(
  { members, outliers }: Outliers,
  convicted: ReadonlySet<number>,
  { agreement }: Likeness,
  isTrusted: boolean,
): ReadonlyMap<number, string> {
  const usual = median(pick([...agreement], members));
  const nothing = `the clients have nothing in common: their changes agree by ${usual.toPrecision(2)}, and no space holds half of them`;
  const alone =
    "stands apart from the others, and nothing else tells against it: honest and different, or contaminated";
  const unlike =
    !isTrusted && usual < leastAgreement ? members.map((k) => [k, nothing] as const) : [];
  const apartOnly = outliers.map((k) => [k, alone] as const);
  return new Map([...unlike, ...apartOnly].filter(([k]) => !convicted.has(k)));
}

function evidenceOf(
  k: number,
  { surprises }: Outliers,
  { agreement, size, clique }: Likeness,
): Evidence[] {
  const pValue = (piece: number) => Math.exp(-at(item(surprises, piece), k) / 2);
  return [
    { kind: "apart", statistic: at(agreement, k), pValue: pValue(apart) },
    { kind: "size", statistic: Math.exp(at(size, k)), pValue: pValue(large) },
    { kind: "clique", statistic: at(clique, k), pValue: pValue(together) },
  ];
}
