import type { Evidence } from "@fedclair/core";
import { item, Matrix, sum } from "@fedclair/linalg";
import type { Detection } from "./detection/detect.js";
import {
  leaveOtherStartsUndecided,
  judge,
  leaveAllUndecided,
  mergeJudgements,
  type Judgement,
} from "./evidence/judge.js";
import { computeBenignShare, minTrustedShare } from "./evidence/outside.js";
import { judgeOverRounds } from "./evidence/over-rounds.js";
import {
  findAgreeingCore,
  hasCommonPart,
  computeSimilarity,
  computeVaryingSimilarity,
  type Similarity,
} from "./evidence/pieces.js";
import {
  computeRoundStatistics,
  addRoundToHistories,
  type ClientHistories,
} from "./evidence/client-histories.js";
import { weighRounds } from "./evidence/weigh-rounds.js";
import { pick } from "./lists.js";
import { computeCommonShares, findSharedSpace, type FoundSpace } from "./find-shared-space.js";
import { leastClients, type ClairOptions } from "./options.js";
import { indicesOf, type Client } from "./sanitise.js";
import type { ModulePool } from "./threads/module-pool.js";

/** The judgement of the active clients of a round, by index. */
export interface RoundJudgement extends Pick<Detection, "scores" | "threshold" | "gap"> {
  /** Indices of the clients that are averaged and refined, ascending. */
  readonly pooled: readonly number[];
  /** Reasons by client. */
  readonly undecided: ReadonlyMap<number, string>;
  /** The shared space; absent without a client. */
  readonly found?: FoundSpace;
  /** The evidence of every client, only with rule `evidence`. */
  readonly evidence?: readonly (readonly Evidence[])[];
  /** Cosines of the clients' changes, K×K, only with rule `evidence`. */
  readonly cosines?: Matrix;
  readonly histories?: ClientHistories | undefined;
}

/** ln of the clients' scores over earlier rounds, by client id. */
export type Memory = ReadonlyMap<string, number>;

interface JudgeContext {
  readonly memory: Memory;
  readonly histories: ClientHistories | undefined;
  /** Whether the client takes part in this round. */
  readonly isPresent: (client: Client) => boolean;
  /** ⟨X_i, X_j⟩ of the clients in a module, if it is known. */
  readonly knownGram: (module: string) => Matrix | undefined;
  /** Whether the client is known to have started elsewhere than most. */
  readonly hasOtherStart: (client: Client) => boolean;
}

/**
 * Runs steps 1 to 5: finds the space that the clients share and judges the clients by the threshold
 * of their scores, or by all evidence.
 */
export async function judgeRound(
  modules: ModulePool,
  clients: readonly Client[],
  options: ClairOptions,
  { memory, histories, isPresent, knownGram, hasOtherStart }: JudgeContext,
): Promise<RoundJudgement> {
  if (clients.length === 0) {
    const empty = { pooled: [], scores: [], undecided: new Map() };
    return { ...empty, threshold: Infinity, gap: 1, histories };
  }
  const earlier = clients.map(({ id }) => memory.get(id));
  const usesEvidence = options.rule === "evidence";
  const [plain, varying] =
    usesEvidence && clients.length >= leastClients(options)
      ? await measureSimilarities(modules, clients, options, knownGram)
      : [];
  const found = await findSharedSpace(modules, clients, earlier, options, plain);
  const { benign, scores, threshold, gap, undecided } = found.detection;
  if (!usesEvidence) {
    const reasons = undecided === undefined ? [] : benign.map((k) => [k, undecided] as const);
    return { pooled: benign, scores, threshold, gap, undecided: new Map(reasons), found };
  }
  const judgeComparison = async (of: FoundSpace, similarity: Similarity) => {
    const insideOf = (core: readonly number[]) => computeCommonShares(of.views, core);
    return judge(similarity, insideOf, of.detection, options.falseAlarmRate);
  };
  const plainJudgement = plain
    ? await judgeComparison(found, plain)
    : leaveAllUndecided(scores, undecided ?? "");
  let ofRound: Judgement = plainJudgement;
  let shared = found;
  if (varying) {
    const centred = { ...options, centered: true };
    const foundVarying = await findSharedSpace(modules, clients, [], centred, varying);
    ofRound = mergeJudgements(plainJudgement, await judgeComparison(foundVarying, varying));
    // Refine in the space of the varying parts if there is a trusted one; the mean keeps the common
    // part.
    if (computeBenignShare(foundVarying.detection) >= minTrustedShare) shared = foundVarying;
  }
  ofRound = leaveOtherStartsUndecided(ofRound, (k) => hasOtherStart(item(clients, k)));
  const after =
    histories && plain
      ? await addRound(histories, modules, clients, plain.cosines, isPresent, options)
      : histories;
  const judgement = weighRounds(
    ofRound,
    clients.map(({ id }) => id),
    judgeOverRounds(after ?? new Map(), options.falseAlarmRate),
  );
  const isInconclusive = judgement.isInconclusive && judgement.contaminated.length === 0;
  return {
    scores: judgement.scores,
    evidence: judgement.evidence,
    undecided: judgement.undecided,
    threshold: isInconclusive ? Infinity : 1,
    gap,
    found: shared,
    histories: after,
    pooled: options.undecided === "in" ? listBenignAndUndecided(judgement) : judgement.benign,
    ...(plain && { cosines: plain.cosines }),
  };
}

/**
 * Computes the similarity of the clients' changes, or of their varying parts with option
 * `centered`. If the changes have a large part in common, and are therefore all similar, it returns
 * both.
 */
async function measureSimilarities(
  modules: ModulePool,
  clients: readonly Client[],
  { centered }: Pick<ClairOptions, "centered">,
  knownGram: JudgeContext["knownGram"],
): Promise<readonly [Similarity, Similarity?]> {
  const norms = clients.map(({ norm }) => norm);
  const grams = await modules.each(async (module, m) => {
    const gram = knownGram(item(modules.names, m));
    return gram ? divideByNorms(gram, norms) : module.ask("gram", indicesOf(clients), norms);
  });
  const plain = computeSimilarity(grams, norms);
  const core = findAgreeingCore(plain);
  if (!centered && !hasCommonPart(plain, core)) return [plain];
  const varying = computeVaryingSimilarity(core, grams, norms);
  return centered ? [varying] : [plain, varying];
}

/** Rescales the Gram matrix to changes of norm 1. */
function divideByNorms(gram: Matrix, norms: readonly number[]): Matrix {
  const out = gram.copy();
  norms.forEach((nj, j) => {
    norms.forEach((ni, i) => (out.data[i + j * out.rows] = gram.get(i, j) / ni / nj));
  });
  return out;
}

/** Indices of the benign and undecided clients, ascending. */
function listBenignAndUndecided({ benign, undecided }: Judgement): number[] {
  return [...new Set([...benign, ...undecided.keys()])].sort((i, j) => i - j);
}

/** Adds this round to the histories. */
async function addRound(
  histories: ClientHistories,
  modules: ModulePool,
  clients: readonly Client[],
  cosines: Matrix,
  isPresent: JudgeContext["isPresent"],
  options: ClairOptions,
): Promise<ClientHistories> {
  const own = clients.flatMap((client, k) => (isPresent(client) ? [k] : []));
  const present = pick(clients, own);
  if (present.length < leastClients(options)) return histories;
  const ranks = await modules.each((module) => module.ask("effectiveRanks", indicesOf(present)));
  const flatness = present.map((_, k) => sum(ranks.map((of) => item(of, k))) / ranks.length);
  const norms = present.map(({ norm }) => norm);
  const among = cosines.among(own);
  const ids = present.map(({ id }) => id);
  return addRoundToHistories(histories, ids, computeRoundStatistics(among, norms, flatness));
}
