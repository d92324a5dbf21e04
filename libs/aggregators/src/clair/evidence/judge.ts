import type { Evidence } from "@fedclair/core";
import { at, item, median, medianDeviation } from "@fedclair/linalg";
import type { Detection } from "../detection/detect.js";
import { indices, pick } from "../lists.js";
import { findOutliers, type Outliers } from "./outliers.js";
import {
  outsideLimits,
  computeOutsideTangent,
  roundingTangent,
  computeBenignShare,
  minTrustedShare,
} from "./outside.js";
import {
  findAgreeingCore,
  apartPiece,
  sizePiece,
  findOpposed,
  computePieces,
  toSizePiece,
  cliquePiece,
  type Similarity,
} from "./pieces.js";
import { computeFisherStatistics } from "./fisher-statistics.js";
import { varyingSuffix } from "./format-evidence.js";

export interface Judgement {
  /** Ascending. */
  readonly contaminated: readonly number[];
  /** Who is neither accused nor stands apart, ascending. */
  readonly benign: readonly number[];
  /** Why, by client. */
  readonly undecided: ReadonlyMap<number, string>;
  /** Can nothing be said of anybody who is not contaminated? */
  readonly isInconclusive: boolean;
  /** By client: in units of what convicts. */
  readonly scores: readonly number[];
  /** By client. */
  readonly evidence: readonly (readonly Evidence[])[];
}

/** What one look says. */
export interface ComparisonJudgement extends Judgement {
  /** The contaminated against whom nothing tells but that they lie outside the shared space. */
  readonly flaggedByOutsideOnly: readonly number[];
}

/** χ² with 4 degrees of freedom, exceeded with probability 0.05: what size and clique say together. */
const jointLimit = 9.488;

/** −2·ln p of a size that no benign client has: p below 1e-6. */
const hugeSizeStatistic = 27.6;

/** A median cosine below it is none. */
const minAgreement = 0.02;

const otherStartReason =
  "began from another A₀ than most: that it stands apart, or in a clique, is no wonder, and nothing else can be told";
const onlyApartReason =
  "stands apart from the others, and nothing else tells clearly against it: honest and different, or contaminated";
const nothingInCommonReason =
  "the clients have nothing in common: their changes agree by less than they differ in it, and no space holds half of them";
const tooManyReason =
  "too many may be contaminated: as many lie outside the shared space as inside, and which of them are honest cannot be told";
const lacksCommonPartReason =
  "lies outside what the others have in common, and is like them in the rest: honest and different, or contaminated";
const pairReason =
  "is like one other as no two clients are, and nothing else tells clearly against it: two states of one client, or two that collude";

/**
 * Who is contaminated, by evidence of more than one kind. Lying outside the shared space convicts where that space holds most of
 * what benign clients do. Else a client must stand out from all others together, and not only by standing apart: honest clients
 * of another kind do that too. What else tells is a large change, a clique, or a change opposed to the others'.
 * @param similarity of as many clients as evidence takes
 * @param insideOf every client's share of energy in the direction that a core shares, fitted without it
 * @param detection by the shared space alone
 * @param rate of federations without a contaminated client in which somebody is accused
 */
export async function judge(
  similarity: Similarity,
  insideOf: (core: readonly number[]) => Promise<readonly number[]>,
  detection: Detection,
  rate: number,
): Promise<ComparisonJudgement> {
  const { benign, scores, gap } = detection;
  const isTrusted = computeBenignShare(detection) >= minTrustedShare;
  const threshold = Math.max(
    detection.threshold,
    computeOutsideTangent(pick(scores, benign), detection),
  );
  const limit = isTrusted && gap >= outsideLimits.gap ? threshold : undefined;
  const byOutside = scores.map((score) => (limit === undefined ? 0 : score / limit));
  const outside = (k: number): Evidence => ({
    ...{ kind: "outside", statistic: item(scores, k) },
    ...(limit !== undefined && { limit }),
  });
  if (2 * listAboveLimit(byOutside).length >= scores.length)
    return leaveAllUndecided(scores, tooManyReason);
  const core = findAgreeingCore(similarity);
  const isOpposed = findOpposed(similarity, core);
  const pieces = computePieces(similarity, await insideOf(core), core);
  const found = withWholeSize(await findOutliers(pieces, rate), similarity);
  if (!similarity.isCentred && !doMembersAgree(similarity, found.members)) {
    return isTrusted
      ? judgeByOutside(byOutside, outside)
      : flagLargeCliques(leaveAllUndecided(scores, nothingInCommonReason), similarity, core, rate);
  }
  // Where a space holds the benign to rounding, changes have few dimensions, and cosines vary widely: of whoever lies inside they tell
  // only who points the other way or is out of all proportion.
  const isNarrow = isTrusted && Math.max(...pick(scores, benign)) <= roundingTangent;
  const isInside = (k: number) => isNarrow && item(scores, k) <= detection.threshold;
  const isEnormous = (k: number) => at(item(found.statistics, sizePiece), k) > hugeSizeStatistic;
  const isExtreme = (k: number) => item(isOpposed, k) || (!similarity.isCentred && isEnormous(k));
  const candidates = found.outliers.filter((k) => !isInside(k) || isExtreme(k));
  const byOutlier = candidates.filter((k) => hasFurtherEvidence(k, found, isOpposed, similarity));
  const opposition = scoreOpposition(similarity, found.members, isOpposed, rate);
  const byOtherEvidence = [...byOutlier, ...listAboveLimit(opposition)];
  const flagged = new Set([...listAboveLimit(byOutside), ...byOtherEvidence]);
  const undecided = candidates.filter((k) => !flagged.has(k));
  const scoreBySimilarity = (k: number) => (isNarrow && !flagged.has(k) ? 0 : at(found.excess, k));
  return {
    contaminated: indices(scores.length).filter((k) => flagged.has(k)),
    flaggedByOutsideOnly: listAboveLimit(byOutside).filter((k) => !byOtherEvidence.includes(k)),
    benign: indices(scores.length).filter((k) => !flagged.has(k) && !undecided.includes(k)),
    undecided: new Map(
      undecided.map((k) => [k, item(similarity.isInPair, k) ? pairReason : onlyApartReason]),
    ),
    isInconclusive: false,
    scores: byOutside.map((score, k) => Math.max(score, scoreBySimilarity(k), item(opposition, k))),
    evidence: scores.map((_, k) => [
      outside(k),
      ...(flagged.has(k) && item(isOpposed, k)
        ? [{ kind: "opposed", statistic: at(similarity.agreement, k) }]
        : []),
      ...listEvidence(k, found, similarity),
    ]),
  };
}

/** Who stands out is found by the size that lower agreement does not explain; what size says of one who does is told of all of it. */
function withWholeSize(found: Outliers, similarity: Similarity): Outliers {
  const [whole = new Float64Array()] = computeFisherStatistics(
    [toSizePiece(similarity)],
    found.members,
  );
  return { ...found, statistics: found.statistics.with(sizePiece, whole) };
}

/** By lying outside a space that is trusted. @param scores in units of what convicts */
function judgeByOutside(
  scores: readonly number[],
  outside: (k: number) => Evidence,
): ComparisonJudgement {
  const contaminated = listAboveLimit(scores);
  const all = indices(scores.length);
  return {
    contaminated,
    flaggedByOutsideOnly: contaminated,
    benign: all.filter((k) => !contaminated.includes(k)),
    ...{ undecided: new Map(), isInconclusive: false, scores },
    evidence: all.map((k) => [outside(k)]),
  };
}

/** Of nobody anything. @param scores tangents */
export function leaveAllUndecided(scores: readonly number[], why: string): ComparisonJudgement {
  const all = indices(scores.length);
  return {
    ...{ contaminated: [], flaggedByOutsideOnly: [], benign: all, isInconclusive: true },
    undecided: new Map(all.map((k) => [k, why])),
    scores: scores.map(() => 0),
    evidence: scores.map((statistic) => [{ kind: "outside", statistic }]),
  };
}

/** Of size and clique each, where clients have nothing in common; and of standing apart, for a pair to be a clique. */
const significance = 0.01;

/**
 * Of clients that have nothing in common, whoever is large and in a clique beyond the others is contaminated: strangers are large,
 * or alike, by their kind, but not both.
 */
async function flagLargeCliques(
  judgement: ComparisonJudgement,
  similarity: Similarity,
  core: readonly number[],
  rate: number,
): Promise<ComparisonJudgement> {
  const shares = [...similarity.agreement].map(() => 1);
  const found = await findOutliers(
    computePieces({ ...similarity, isCentred: true }, shares, core),
    rate,
  );
  const inClique = (k: number) =>
    isSignificant(found, cliquePiece, k) && !item(similarity.isInPair, k);
  const flagged = new Set(
    found.outliers.filter((k) => isSignificant(found, sizePiece, k) && inClique(k)),
  );
  return {
    ...judgement,
    ...flagAlso(judgement, flagged),
    scores: judgement.scores.map((score, k) => (flagged.has(k) ? at(found.excess, k) : score)),
    evidence: judgement.evidence.map((own, k) => {
      const pieces = listEvidence(k, found, similarity).filter(({ kind }) => kind !== "apart");
      return [...own, ...pieces];
    }),
  };
}

/** What varies of who is like the others in it is not so many times as large as that of the largest of them. */
const maxSizeRatio = 1.5;

/**
 * Of a look at whole changes, and one at what varies: who is accused by either; but who lies outside the space that whole changes share,
 * and is like the others in what varies, may only lack the common part. What the second shows is told, of all, where it accuses somebody.
 */
export function mergeJudgements(first: ComparisonJudgement, second: Judgement): Judgement {
  const flagged = new Set(second.contaminated);
  const others = second.benign.filter((k) => !first.flaggedByOutsideOnly.includes(k));
  const largest = Math.max(0, ...others.map((k) => findSize(second, k)));
  const isLike = (k: number) =>
    second.benign.includes(k) && findSize(second, k) <= maxSizeRatio * largest;
  const lacking = second.isInconclusive ? [] : first.flaggedByOutsideOnly.filter(isLike);
  const listVaryingEvidence = (k: number) =>
    flagged.size > 0 ? item(second.evidence, k).map(markVarying) : [];
  return {
    ...flagAlso(moveToUndecided(first, lacking, lacksCommonPartReason), flagged),
    isInconclusive: first.isInconclusive,
    scores: first.scores.map((score, k) => {
      // Who only stands apart in what varies is not accused, and stays at what convicts at most.
      const other = item(second.scores, k);
      return Math.max(score, flagged.has(k) ? other : Math.min(other, 1));
    }),
    evidence: first.evidence.map((own, k) => [...own, ...listVaryingEvidence(k)]),
  };
}

/** Of a client's change, as a look at it shows; 0 where it shows none. */
function findSize({ evidence }: Judgement, k: number): number {
  return item(evidence, k).find(({ kind }) => kind === "size")?.statistic ?? 0;
}

/**
 * Of who is known to have begun elsewhere than most, standing apart and being alike is no evidence: accused is only who is opposed to the others, or out
 * of all proportion.
 */
export function leaveOtherStartsUndecided(
  judgement: Judgement,
  hasOtherStart: (k: number) => boolean,
): Judgement {
  const isExplained = (k: number) =>
    hasOtherStart(k) && !item(judgement.evidence, k).some(isStrongForAnyStart);
  const explained = [...judgement.contaminated, ...judgement.undecided.keys()].filter(isExplained);
  return moveToUndecided(judgement, explained, otherStartReason);
}

/** Where nothing can be said of some clients. */
function moveToUndecided(judgement: Judgement, clients: readonly number[], why: string): Judgement {
  const stays = (k: number) => !clients.includes(k);
  return {
    ...judgement,
    contaminated: judgement.contaminated.filter(stays),
    undecided: new Map([...judgement.undecided, ...clients.map((k) => [k, why] as const)]),
  };
}

function isStrongForAnyStart({ kind, pValue = 1 }: Evidence): boolean {
  return kind === "opposed" || (kind === "size" && pValue < Math.exp(-hugeSizeStatistic / 2));
}

/** Who is what once some more are contaminated. */
function flagAlso(
  { contaminated, benign, undecided }: Judgement,
  flagged: ReadonlySet<number>,
): Pick<Judgement, "contaminated" | "benign" | "undecided"> {
  return {
    contaminated: [...new Set([...contaminated, ...flagged])].sort((i, j) => i - j),
    benign: benign.filter((k) => !flagged.has(k)),
    undecided: new Map([...undecided].filter(([k]) => !flagged.has(k))),
  };
}

function markVarying(piece: Evidence): Evidence {
  return { ...piece, kind: `${piece.kind}${varyingSuffix}` };
}

function listAboveLimit(scores: readonly number[]): number[] {
  return indices(scores.length).filter((k) => item(scores, k) > 1);
}

/**
 * How surely a change is opposed to the members', outlier or not, by client, in units of what convicts: by Student's prediction from those that
 * are not; 0 of a change that is not opposed.
 */
function scoreOpposition(
  { agreement }: Similarity,
  members: readonly number[],
  isOpposed: readonly boolean[],
  rate: number,
): readonly number[] {
  const along = members.filter((k) => !item(isOpposed, k));
  if (along.length < 3) return isOpposed.map(() => 0);
  const values = agreement.map((x) => -x);
  const [statistic = new Float64Array()] = computeFisherStatistics(
    [{ values, floor: minAgreement / 2 }],
    along,
  );
  const limit = -2 * Math.log(rate / agreement.length);
  return isOpposed.map((is, k) => (is ? at(statistic, k) / limit : 0));
}

/**
 * Does more tell against an outlier than that it stands apart? A clique of two that agree with the others as usual is none: they may be two states of
 * one client.
 */
function hasFurtherEvidence(
  k: number,
  found: Outliers,
  isOpposed: readonly boolean[],
  { isInPair: inPair }: Similarity,
): boolean {
  const isClique = !item(inPair, k) || isSignificant(found, apartPiece, k);
  const byClique = isClique ? at(item(found.statistics, cliquePiece), k) : 0;
  return item(isOpposed, k) || at(item(found.statistics, sizePiece), k) + byClique > jointLimit;
}

/** Does one piece by itself tell clearly against a client? */
function isSignificant({ statistics: surprises }: Outliers, piece: number, k: number): boolean {
  return at(item(surprises, piece), k) > -2 * Math.log(significance);
}

function listEvidence(
  k: number,
  { statistics: surprises }: Outliers,
  { agreement, size, clique }: Similarity,
): Evidence[] {
  const pValue = (piece: number) => Math.exp(-at(item(surprises, piece), k) / 2);
  return [
    { kind: "apart", statistic: at(agreement, k), pValue: pValue(apartPiece) },
    { kind: "size", statistic: Math.exp(at(size, k)), pValue: pValue(sizePiece) },
    { kind: "clique", statistic: at(clique, k), pValue: pValue(cliquePiece) },
  ];
}

/** Is the members' median cosine more than how they differ in it? Else likeness tells nobody from anybody. */
function doMembersAgree({ agreement }: Similarity, members: readonly number[]): boolean {
  const own = pick([...agreement], members);
  return median(own) > Math.max(minAgreement, medianDeviation(own));
}
