import type { Evidence } from "@fedclair/core";
import { at, item, median, medianDeviation } from "@fedclair/linalg";
import type { Detection } from "../detection/detect.js";
import { indices, pick } from "../lists.js";
import { findOutliers, type Outliers } from "./outliers.js";
import { farOut, farOutOf, leastTangent, shareHeld, trusted } from "./outside.js";
import {
  agreeingCore,
  apart,
  large,
  opposed,
  piecesOf,
  sizeOf,
  together,
  type Likeness,
} from "./pieces.js";
import { surprises } from "./surprise.js";
import { varyingSuffix } from "./words.js";

export interface Judgement {
  /** Ascending. */
  readonly contaminated: readonly number[];
  /** Who is neither accused nor stands apart, ascending. */
  readonly benign: readonly number[];
  /** Why, by client. */
  readonly undecided: ReadonlyMap<number, string>;
  /** Can nothing be said of anybody who is not contaminated? */
  readonly isSilent: boolean;
  /** By client: in units of what convicts. */
  readonly scores: readonly number[];
  /** By client. */
  readonly evidence: readonly (readonly Evidence[])[];
}

/** What one look says. */
export interface Look extends Judgement {
  /** The contaminated against whom nothing tells but that they lie outside the shared space. */
  readonly byOutsideAlone: readonly number[];
}

/** χ² with 4 degrees of freedom, exceeded with probability 0.05: what size and clique say together. */
const guilt = 9.488;

/** −2·ln p of a size that no benign client has: p below 1e-6. */
const enormous = 27.6;

/** A median cosine below it is none. */
const leastAgreement = 0.02;

const elsewhere =
  "began from another A₀ than most: that it stands apart, or in a clique, is no wonder, and nothing else can be told";
const alone =
  "stands apart from the others, and nothing else tells clearly against it: honest and different, or contaminated";
const strangers =
  "the clients have nothing in common: their changes agree by less than they differ in it, and no space holds half of them";
const tooMany =
  "too many may be contaminated: as many lie outside the shared space as inside, and which of them are honest cannot be told";
const without =
  "lies outside what the others have in common, and is like them in the rest: honest and different, or contaminated";
const paired =
  "is like one other as no two clients are, and nothing else tells clearly against it: two states of one client, or two that collude";

/**
 * Who is contaminated, by evidence of more than one kind. Lying outside the shared space convicts where that space holds most of
 * what benign clients do. Else a client must stand out from all others together, and not only by standing apart: honest clients
 * of another kind do that too. What else tells is a large change, a clique, or a change opposed to the others'.
 * @param likeness of as many clients as evidence takes
 * @param insideOf every client's share of energy in the direction that a core shares, fitted without it
 * @param detection by the shared space alone
 * @param rate of federations without a contaminated client in which somebody is accused
 */
export async function judge(
  likeness: Likeness,
  insideOf: (core: readonly number[]) => Promise<readonly number[]>,
  detection: Detection,
  rate: number,
): Promise<Look> {
  const { benign, scores, gap } = detection;
  const isTrusted = shareHeld(detection) >= trusted;
  const threshold = Math.max(detection.threshold, farOutOf(pick(scores, benign), detection));
  const limit = isTrusted && gap >= farOut.gap ? threshold : undefined;
  const byOutside = scores.map((score) => (limit === undefined ? 0 : score / limit));
  const outside = (k: number): Evidence => ({
    ...{ kind: "outside", statistic: item(scores, k) },
    ...(limit !== undefined && { limit }),
  });
  if (2 * beyond(byOutside).length >= scores.length) return silence(scores, tooMany);
  const core = agreeingCore(likeness);
  const isOpposed = opposed(likeness, core);
  const pieces = piecesOf(likeness, await insideOf(core), core);
  const found = withWholeSize(await findOutliers(pieces, rate), likeness);
  if (!likeness.isCentred && !doAgree(likeness, found.members)) {
    return isTrusted
      ? byOutsideAlone(byOutside, outside)
      : withLargeCliques(silence(scores, strangers), likeness, core, rate);
  }
  // Where a space holds the benign to rounding, changes have few dimensions, and cosines vary widely: of whoever lies inside they tell
  // only who points the other way or is out of all proportion.
  const isNarrow = isTrusted && Math.max(...pick(scores, benign)) <= leastTangent;
  const isInside = (k: number) => isNarrow && item(scores, k) <= detection.threshold;
  const isEnormous = (k: number) => at(item(found.surprises, large), k) > enormous;
  const isOdd = (k: number) => item(isOpposed, k) || (!likeness.isCentred && isEnormous(k));
  const suspects = found.outliers.filter((k) => !isInside(k) || isOdd(k));
  const guilty = suspects.filter((k) => isGuilty(k, found, isOpposed, likeness));
  const opposition = oppositionTo(likeness, found.members, isOpposed, rate);
  const otherwise = [...guilty, ...beyond(opposition)];
  const convicted = new Set([...beyond(byOutside), ...otherwise]);
  const unsure = suspects.filter((k) => !convicted.has(k));
  const byLikeness = (k: number) => (isNarrow && !convicted.has(k) ? 0 : at(found.excess, k));
  return {
    contaminated: indices(scores.length).filter((k) => convicted.has(k)),
    byOutsideAlone: beyond(byOutside).filter((k) => !otherwise.includes(k)),
    benign: indices(scores.length).filter((k) => !convicted.has(k) && !unsure.includes(k)),
    undecided: new Map(unsure.map((k) => [k, item(likeness.inPair, k) ? paired : alone])),
    isSilent: false,
    scores: byOutside.map((score, k) => Math.max(score, byLikeness(k), item(opposition, k))),
    evidence: scores.map((_, k) => [
      outside(k),
      ...(convicted.has(k) && item(isOpposed, k)
        ? [{ kind: "opposed", statistic: at(likeness.agreement, k) }]
        : []),
      ...evidenceOf(k, found, likeness),
    ]),
  };
}

/** Who stands out is found by the size that lower agreement does not explain; what size says of one who does is told of all of it. */
function withWholeSize(found: Outliers, likeness: Likeness): Outliers {
  const [whole = new Float64Array()] = surprises([sizeOf(likeness)], found.members);
  return { ...found, surprises: found.surprises.with(large, whole) };
}

/** By lying outside a space that is trusted. @param scores in units of what convicts */
function byOutsideAlone(scores: readonly number[], outside: (k: number) => Evidence): Look {
  const contaminated = beyond(scores);
  const all = indices(scores.length);
  return {
    contaminated,
    byOutsideAlone: contaminated,
    benign: all.filter((k) => !contaminated.includes(k)),
    ...{ undecided: new Map(), isSilent: false, scores },
    evidence: all.map((k) => [outside(k)]),
  };
}

/** Of nobody anything. @param scores tangents */
export function silence(scores: readonly number[], why: string): Look {
  const all = indices(scores.length);
  return {
    ...{ contaminated: [], byOutsideAlone: [], benign: all, isSilent: true },
    undecided: new Map(all.map((k) => [k, why])),
    scores: scores.map(() => 0),
    evidence: scores.map((statistic) => [{ kind: "outside", statistic }]),
  };
}

/** Of size and clique each, where clients have nothing in common; and of standing apart, for a pair to be a clique. */
const bothTell = 0.01;

/**
 * Of clients that have nothing in common, whoever is large and in a clique beyond the others is contaminated: strangers are large,
 * or alike, by their kind, but not both.
 */
async function withLargeCliques(
  said: Look,
  likeness: Likeness,
  core: readonly number[],
  rate: number,
): Promise<Look> {
  const shares = [...likeness.agreement].map(() => 1);
  const found = await findOutliers(piecesOf({ ...likeness, isCentred: true }, shares, core), rate);
  const inClique = (k: number) => tells(found, together, k) && !item(likeness.inPair, k);
  const guilty = new Set(found.outliers.filter((k) => tells(found, large, k) && inClique(k)));
  return {
    ...said,
    ...withAccused(said, guilty),
    scores: said.scores.map((score, k) => (guilty.has(k) ? at(found.excess, k) : score)),
    evidence: said.evidence.map((own, k) => {
      const pieces = evidenceOf(k, found, likeness).filter(({ kind }) => kind !== "apart");
      return [...own, ...pieces];
    }),
  };
}

/** What varies of who is like the others in it is not so many times as large as that of the largest of them. */
const mostLarger = 1.5;

/**
 * Of a look at whole changes, and one at what varies: who is accused by either; but who lies outside the space that whole changes share,
 * and is like the others in what varies, may only lack the common part. What the second shows is told, of all, where it accuses somebody.
 */
export function union(first: Look, second: Judgement): Judgement {
  const accused = new Set(second.contaminated);
  const others = second.benign.filter((k) => !first.byOutsideAlone.includes(k));
  const largest = Math.max(0, ...others.map((k) => sizeIn(second, k)));
  const isLike = (k: number) =>
    second.benign.includes(k) && sizeIn(second, k) <= mostLarger * largest;
  const lacking = second.isSilent ? [] : first.byOutsideAlone.filter(isLike);
  const told = (k: number) => (accused.size > 0 ? item(second.evidence, k).map(ofWhatVaries) : []);
  return {
    ...withAccused(freed(first, lacking, without), accused),
    isSilent: first.isSilent,
    scores: first.scores.map((score, k) => {
      // Who only stands apart in what varies is not accused, and stays at what convicts at most.
      const other = item(second.scores, k);
      return Math.max(score, accused.has(k) ? other : Math.min(other, 1));
    }),
    evidence: first.evidence.map((own, k) => [...own, ...told(k)]),
  };
}

/** Of a client's change, as a look at it shows; 0 where it shows none. */
function sizeIn({ evidence }: Judgement, k: number): number {
  return item(evidence, k).find(({ kind }) => kind === "size")?.statistic ?? 0;
}

/**
 * Of who is known to have begun elsewhere than most, standing apart and being alike is no evidence: accused is only who is opposed to the others, or out
 * of all proportion.
 */
export function excused(said: Judgement, isElsewhere: (k: number) => boolean): Judgement {
  const isExcused = (k: number) => isElsewhere(k) && !item(said.evidence, k).some(tellsAnywhere);
  const unsure = [...said.contaminated, ...said.undecided.keys()].filter(isExcused);
  return freed(said, unsure, elsewhere);
}

/** Where nothing can be said of some clients. */
function freed(said: Judgement, unsure: readonly number[], why: string): Judgement {
  const stays = (k: number) => !unsure.includes(k);
  return {
    ...said,
    contaminated: said.contaminated.filter(stays),
    undecided: new Map([...said.undecided, ...unsure.map((k) => [k, why] as const)]),
  };
}

function tellsAnywhere({ kind, pValue = 1 }: Evidence): boolean {
  return kind === "opposed" || (kind === "size" && pValue < Math.exp(-enormous / 2));
}

/** Who is what once some more are contaminated. */
function withAccused(
  { contaminated, benign, undecided }: Judgement,
  accused: ReadonlySet<number>,
): Pick<Judgement, "contaminated" | "benign" | "undecided"> {
  return {
    contaminated: [...new Set([...contaminated, ...accused])].sort((i, j) => i - j),
    benign: benign.filter((k) => !accused.has(k)),
    undecided: new Map([...undecided].filter(([k]) => !accused.has(k))),
  };
}

function ofWhatVaries(piece: Evidence): Evidence {
  return { ...piece, kind: `${piece.kind}${varyingSuffix}` };
}

function beyond(scores: readonly number[]): number[] {
  return indices(scores.length).filter((k) => item(scores, k) > 1);
}

/**
 * How surely a change is opposed to the members', outlier or not, by client, in units of what convicts: by Student's prediction from those that
 * are not; 0 of a change that is not opposed.
 */
function oppositionTo(
  { agreement }: Likeness,
  members: readonly number[],
  isOpposed: readonly boolean[],
  rate: number,
): readonly number[] {
  const along = members.filter((k) => !item(isOpposed, k));
  if (along.length < 3) return isOpposed.map(() => 0);
  const values = agreement.map((x) => -x);
  const [surprise = new Float64Array()] = surprises([{ values, floor: leastAgreement / 2 }], along);
  const limit = -2 * Math.log(rate / agreement.length);
  return isOpposed.map((is, k) => (is ? at(surprise, k) / limit : 0));
}

/**
 * Does more tell against an outlier than that it stands apart? A clique of two that agree with the others as usual is none: they may be two states of
 * one client.
 */
function isGuilty(
  k: number,
  found: Outliers,
  isOpposed: readonly boolean[],
  { inPair }: Likeness,
): boolean {
  const isClique = !item(inPair, k) || tells(found, apart, k);
  const byClique = isClique ? at(item(found.surprises, together), k) : 0;
  return item(isOpposed, k) || at(item(found.surprises, large), k) + byClique > guilt;
}

/** Does one piece by itself tell clearly against a client? */
function tells({ surprises }: Outliers, piece: number, k: number): boolean {
  return at(item(surprises, piece), k) > -2 * Math.log(bothTell);
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

/** Is the members' median cosine more than how they differ in it? Else likeness tells nobody from anybody. */
function doAgree({ agreement }: Likeness, members: readonly number[]): boolean {
  const own = pick([...agreement], members);
  return median(own) > Math.max(leastAgreement, medianDeviation(own));
}
