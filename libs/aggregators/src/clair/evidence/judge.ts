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
  /** Contaminated clients, ascending. */
  readonly contaminated: readonly number[];
  /** Clients that are neither flagged nor stand apart, ascending. */
  readonly benign: readonly number[];
  /** Reasons by undecided client. */
  readonly undecided: ReadonlyMap<number, string>;
  /** Whether no client can be reported as benign. */
  readonly isInconclusive: boolean;
  /** One score per client; above 1 the client is flagged. */
  readonly scores: readonly number[];
  /** Evidence by client. */
  readonly evidence: readonly (readonly Evidence[])[];
}

/** The judgement from one comparison: of whole changes, or of their varying parts. */
export interface ComparisonJudgement extends Judgement {
  /** The flagged clients with no other evidence than lying outside the shared space. */
  readonly flaggedByOutsideOnly: readonly number[];
}

/**
 * Limit for size and clique together: χ² with 4 degrees of freedom exceeds it with probability
 * 0.05.
 */
const jointLimit = 9.488;

/** −2·ln p of a size that no benign client has, at p = 1e-6. */
const hugeSizeStatistic = 27.6;

/** A median cosine below this value counts as no agreement. */
const minAgreement = 0.02;

const otherStartReason =
  "began from another A₀ than most, which explains standing apart or being in a clique; there is no other evidence";
const onlyApartReason =
  "stands apart from the others, without clear further evidence: either benign and different, or contaminated";
const nothingInCommonReason =
  "the clients have nothing in common: their agreement is smaller than its spread, and no space holds half of their changes";
const tooManyReason =
  "too many may be contaminated: as many lie outside the shared space as inside, so the benign ones cannot be identified";
const lacksCommonPartReason =
  "lies outside what the others have in common, and is like them in the rest: either benign and different, or contaminated";
const pairReason =
  "is more like one other client than any two should be, without clear further evidence: either two states of one client, or two that collude";

/**
 * Judges clients by more than one kind of evidence. Lying outside the shared space flags a client
 * if that space holds most of the benign changes. Otherwise a client must be an outlier in all
 * pieces together and have further evidence besides standing apart, because benign clients with
 * different data stand apart as well. Further evidence is a large change, a clique, or a change
 * opposed to the others'.
 * @param similarity of at least as many clients as rule `evidence` needs
 * @param insideOf returns every client's share of energy in the direction that a core shares,
 * fitted without that client
 * @param detection detection by the shared space only
 * @param rate share of clean federations in which any client may be flagged
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
    kind: "outside",
    statistic: item(scores, k),
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
  // If a space holds the benign changes up to rounding, changes have few dimensions and cosines
  // vary widely. Inside it, only opposed and extremely large changes are then evidence.
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

/**
 * Outliers are detected on size after correcting for agreement; their evidence reports the whole
 * size.
 */
function withWholeSize(found: Outliers, similarity: Similarity): Outliers {
  const [whole = new Float64Array()] = computeFisherStatistics(
    [toSizePiece(similarity)],
    found.members,
  );
  return { ...found, statistics: found.statistics.with(sizePiece, whole) };
}

/**
 * Judges only by lying outside a trusted space.
 * @param scores relative to the limit above which a client is flagged
 */
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
    undecided: new Map(),
    isInconclusive: false,
    scores,
    evidence: all.map((k) => [outside(k)]),
  };
}

/**
 * Leaves every client undecided.
 * @param scores tangents
 */
export function leaveAllUndecided(scores: readonly number[], why: string): ComparisonJudgement {
  const all = indices(scores.length);
  return {
    contaminated: [],
    flaggedByOutsideOnly: [],
    benign: all,
    isInconclusive: true,
    undecided: new Map(all.map((k) => [k, why])),
    scores: scores.map(() => 0),
    evidence: scores.map((statistic) => [{ kind: "outside", statistic }]),
  };
}

/**
 * Significance level for a single piece: for size and for clique if clients have nothing in common,
 * and for standing apart if a pair counts as a clique.
 */
const significance = 0.01;

/**
 * Flags clients that are both large and in a clique beyond the others, if the clients have nothing
 * in common. Unrelated clients may be large or similar, but not both.
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

/**
 * Largest ratio to the size of the other varying parts at which a client still counts as similar to
 * them.
 */
const maxSizeRatio = 1.5;

/**
 * Merges the judgements of whole changes and of their varying parts. A client is flagged if either
 * one flags it. A client outside the space of whole changes whose varying part is like the others'
 * may only lack the common part, and is undecided. The evidence of the second judgement is added
 * for all clients if it flags any.
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
      // Standing apart in the varying part only does not flag a client, so its score is at most 1.
      const other = item(second.scores, k);
      return Math.max(score, flagged.has(k) ? other : Math.min(other, 1));
    }),
    evidence: first.evidence.map((own, k) => [...own, ...listVaryingEvidence(k)]),
  };
}

/** Size of a client's change in a judgement; 0 if it has no evidence of size. */
function findSize({ evidence }: Judgement, k: number): number {
  return item(evidence, k).find(({ kind }) => kind === "size")?.statistic ?? 0;
}

/**
 * Moves clients that are known to have started elsewhere than most to undecided, as their standing
 * apart and their similarity is no evidence. Clients stay flagged if they are opposed to the others
 * or extremely large.
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

/** Moves some clients to undecided. */
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

/** The statuses after flagging further clients. */
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
 * Scores how surely a change is opposed to the members', whether or not it is an outlier; above 1
 * the client is flagged. The score is Student's prediction from the members that are not opposed,
 * and 0 for changes that are not opposed.
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
 * Whether an outlier has further evidence besides standing apart. A clique of two clients that
 * agree with the others as usual does not count, because they may be two states of one client.
 */
function hasFurtherEvidence(
  k: number,
  found: Outliers,
  isOpposed: readonly boolean[],
  { isInPair }: Similarity,
): boolean {
  const isClique = !item(isInPair, k) || isSignificant(found, apartPiece, k);
  const byClique = isClique ? at(item(found.statistics, cliquePiece), k) : 0;
  return item(isOpposed, k) || at(item(found.statistics, sizePiece), k) + byClique > jointLimit;
}

/** Whether a single piece of evidence against a client is significant. */
function isSignificant({ statistics }: Outliers, piece: number, k: number): boolean {
  return at(item(statistics, piece), k) > -2 * Math.log(significance);
}

function listEvidence(
  k: number,
  { statistics }: Outliers,
  { agreement, size, clique }: Similarity,
): Evidence[] {
  const pValue = (piece: number) => Math.exp(-at(item(statistics, piece), k) / 2);
  return [
    { kind: "apart", statistic: at(agreement, k), pValue: pValue(apartPiece) },
    { kind: "size", statistic: Math.exp(at(size, k)), pValue: pValue(sizePiece) },
    { kind: "clique", statistic: at(clique, k), pValue: pValue(cliquePiece) },
  ];
}

/**
 * Whether the members' median cosine exceeds its own deviation. Otherwise similarity cannot
 * separate clients.
 */
function doMembersAgree({ agreement }: Similarity, members: readonly number[]): boolean {
  const own = pick([...agreement], members);
  return median(own) > Math.max(minAgreement, medianDeviation(own));
}
