import type { Evidence, VerdictStatus } from "@fedclair/core";
import { item, stream, type Matrix, pick } from "@fedclair/linalg";
import { detect, type Detection } from "./space/detect.js";
import { readShippedBank, type Bank } from "./judge/bank.js";
import type { ControlKind, Power } from "./judge/controls.js";
import { largeCommonPart } from "./updates/common-part.js";
import { findAgreeingCore, meanCosines, type AgreeingCore } from "./measures/cosines.js";
import { judge, type Judgement, type RoundVerdict } from "./judge/evidence.js";
import {
  combineMeasures,
  countNumbers,
  haveFewNumbers,
  type Measures,
  type ModuleMeasures,
} from "./measures/measures.js";
import { addRound, type ClientHistories } from "./judge/rounds.js";
import { scoreClients } from "./judge/score.js";
import { judgeOverRounds } from "./judge/over-rounds.js";
import { findSharedSpace, isSharedByMost, type FoundSpace } from "./space/find-shared-space.js";
import { leastClients, minBenignCount, type ClairOptions } from "./options.js";
import type { Rule } from "./rule.js";
import { indicesOf, type Client } from "./updates/sanitise.js";
import type { ModulePool } from "./modules/module-pool.js";

/** The judgement of one active client. */
export interface ClientJudgement {
  readonly status: Extract<VerdictStatus, "benign" | "contaminated" | "undecided">;
  /** Is the client averaged and refined with the others? */
  readonly isPooled: boolean;
  readonly score: number;
  /** A client with a higher score is flagged; Infinity if none can be. */
  readonly threshold: number;
  readonly reason?: string;
  /** The pieces behind the score, the strongest first; only with rule `evidence`. */
  readonly evidence?: readonly Evidence[];
}

/** The judgement of the active clients of a round. */
export interface RoundJudgement {
  readonly clients: readonly ClientJudgement[];
  /** The ratio that separates high from low tangents, at least 1. */
  readonly gap: number;
  /** The shared space; absent without a client. */
  readonly found?: FoundSpace;
  /** With rule `evidence`: the positive controls, and the limit below which a score is usual. */
  readonly controls?: Pick<RoundVerdict, "power" | "flagged" | "cleared" | "thresholds">;
  /** The measures of the clients, only with rule `evidence`. */
  readonly measures?: Measures;
  readonly histories?: ClientHistories | undefined;
}

/** With fewer clients there is nothing to score them against. */
const minScoredClients = 3;

/** ln of the clients' tangents over earlier rounds, by client id. */
export type Memory = ReadonlyMap<string, number>;

/** Known facts about a module of all clients, before it is compared. */
export interface KnownModule {
  /** ⟨X_i, X_j⟩ of the clients, K×K. */
  readonly gram?: Matrix;
  readonly measures: ModuleMeasures;
}

interface JudgeContext {
  readonly memory: Memory;
  readonly histories: ClientHistories | undefined;
  /** Whether the client takes part in this round. */
  readonly isPresent: (client: Client) => boolean;
  /** Known facts about the clients in a module. */
  readonly known: (module: string) => KnownModule | undefined;
  /** Whether the client is known to have started elsewhere than most. */
  readonly hasOtherStart: (client: Client) => boolean;
  readonly bank: Bank | undefined;
  /** Kinds of attackers that a client must be cleared of to be called benign. */
  readonly required: readonly ControlKind[];
  /** The power among clients like these, if it is known. */
  readonly power: Power | undefined;
}

/**
 * Runs steps 1 to 5: finds the space that the clients share, and judges the clients by the
 * threshold of their tangents to it, or by all evidence.
 */
export async function judgeRound(
  modules: ModulePool,
  clients: readonly Client[],
  options: ClairOptions,
  context: JudgeContext,
): Promise<RoundJudgement> {
  const { memory, histories } = context;
  if (clients.length === 0) return { clients: [], gap: 1, histories };
  const earlier = clients.map(({ id }) => memory.get(id));
  const { rule } = options;
  if (rule.by === "evidence" && clients.length >= minScoredClients)
    return judgeByEvidence(modules, clients, { ...options, rule }, context);
  const found = await findSharedSpace(modules, clients, earlier, options, undefined);
  return { clients: judgeByThreshold(found.detection), gap: found.detection.gap, found, histories };
}

/** Judges by the threshold of the tangents; without one, benign clients are undecided. */
function judgeByThreshold(detection: Detection): ClientJudgement[] {
  const { benign, scores, threshold, undecided } = detection;
  const inside = new Set(benign);
  return scores.map((score, k) => ({
    status: inside.has(k) ? (undecided === undefined ? "benign" : "undecided") : "contaminated",
    isPooled: inside.has(k),
    score,
    threshold,
    ...(inside.has(k) && undecided !== undefined && { reason: undecided }),
  }));
}

type EvidenceRule = Extract<Rule, { readonly by: "evidence" }>;

async function judgeByEvidence(
  modules: ModulePool,
  clients: readonly Client[],
  options: ClairOptions & { readonly rule: EvidenceRule },
  {
    histories,
    isPresent,
    known: knownOf,
    hasOtherStart,
    bank = readShippedBank(),
    required,
    power,
  }: JudgeContext,
): Promise<RoundJudgement> {
  const compared = indicesOf(clients);
  const norms = clients.map(({ norm }) => norm);
  const grams = await modules.each(async (module, m) => {
    const gram = knownOf(item(modules.names, m))?.gram;
    return gram ?? module.ask("gram", compared, norms);
  });
  const cosines = meanCosines(grams);
  const core = findAgreeingCore(cosines);
  const measured = await modules.each(async (module, m) => {
    return knownOf(item(modules.names, m))?.measures ?? module.ask("measure", compared);
  });
  const fewNumbers = haveFewNumbers({ noise: { numbers: countNumbers(measured) } });
  const first = await findSpace(modules, clients, options, core, fewNumbers);
  const known = {
    cosines,
    norms,
    modules: measured,
    effectiveRanks: await modules.each((module) => module.ask("effectiveRanks", compared)),
    ranks: first.views.ranks,
    startsElsewhere: clients.map(hasOtherStart),
  };
  const measureFor = ({ detection }: FoundSpace) =>
    combineMeasures({ ...known, tangents: detection.scores });
  const firstMeasures = measureFor(first);
  const found = await fitToTrusted(first, options, firstMeasures, bank);
  const measures = found === first ? firstMeasures : measureFor(found);
  const rules = { bank, rate: options.rule.falseAlarmRate, required, power };
  const rng = stream("positive controls").at(options.seed);
  const isTooFew = clients.length < leastClients(options);
  const ofRound = judge(measures, rules, rng);
  const own = clients.flatMap((client, k) => (isPresent(client) ? [k] : []));
  const after =
    histories && !isTooFew
      ? addRound(
          histories,
          pick(clients, own).map(({ id }) => id),
          ofRound.scores,
          own,
        )
      : histories;
  const ids = clients.map(({ id }) => id);
  const judged = judgeOverRounds(ofRound, ids, after, rules);
  const tooFew = `too few clients: ${clients.length} of at least ${leastClients(options)}`;
  return {
    clients: judged.map((one) =>
      toClientJudgement(
        isTooFew ? { ...one, status: "undecided", reason: tooFew, isPooled: true } : one,
        options.rule,
      ),
    ),
    gap: found.detection.gap,
    found,
    controls: ofRound,
    measures,
    histories: after,
  };
}

/**
 * Finds the space that the clients share. If their changes have a large part in common, they all
 * lie near it, and the space in which the rest of them varies says more, if there is one. If
 * changes have few numbers, the rest has hardly any dimensions.
 */
async function findSpace(
  modules: ModulePool,
  clients: readonly Client[],
  options: ClairOptions,
  core: AgreeingCore,
  fewNumbers: boolean,
): Promise<FoundSpace> {
  if (core.usual >= largeCommonPart && !options.centered && !fewNumbers) {
    const centred = { ...options, centered: true };
    const varying = await findSharedSpace(modules, clients, [], centred, core);
    if (isSharedByMost(varying.detection)) return varying;
    varying.views.drop();
  }
  return findSharedSpace(modules, clients, [], options, core);
}

/**
 * Fits a space that most clients share again, to the clients that all evidence trusts most.
 * Colluders on few directions can make a space theirs, and other evidence shows that they are not
 * like most.
 */
async function fitToTrusted(
  found: FoundSpace,
  options: ClairOptions,
  measures: Measures,
  bank: Bank,
): Promise<FoundSpace> {
  if (!isSharedByMost(found.detection)) return found;
  const certain = minBenignCount(found.views.size, options);
  const { core } = scoreClients(measures, bank.spreads, certain);
  return { ...found, detection: await detect(found.views, core, [], options, 1) };
}

function toClientJudgement(
  { status, score, upper, reason, evidence, isPooled }: Judgement,
  { undecided }: EvidenceRule,
): ClientJudgement {
  return {
    status,
    isPooled: isPooled || (status === "undecided" && undecided === "in"),
    score,
    threshold: upper,
    // The list of kinds says the same about a benign client, in fewer bytes of every record.
    ...(status !== "benign" && { reason }),
    evidence,
  };
}
