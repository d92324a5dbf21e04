import type { ModuleDistance, Update, VerdictStatus } from "@fedclair/core";
import { at, indices, item, pick, stream, type Matrix } from "@fedclair/linalg";
import { type Bank, readShippedBank } from "./judge/bank.js";
import type { ControlKind, Power } from "./judge/controls.js";
import { judgeByEvidence, type Controls } from "./judge/evidence.js";
import { judgeByGap, type ClientVerdict } from "./judge/gap.js";
import type { EvidenceHistories } from "./judge/rounds.js";
import { scoreClients } from "./judge/score.js";
import {
  combineMeasures,
  findAgreeingCore,
  findPlaces,
  selectClients,
  type AgreeingCore,
  type ClientMeasures,
  type ModuleMeasures,
} from "./measures/measures.js";
import { compareClients, type ComparedClients } from "./measures/compare-clients.js";
import { groupCliques, groupCopies, listVoters } from "./measures/copies.js";
import {
  countDirections,
  listLeastHalf,
  measureResiduals,
  type Residuals,
} from "./measures/residuals.js";
import { selectMeasures } from "./measures/module-measures.js";
import type { ModulePool } from "./modules/module-pool.js";
import { leastClients, toFindOptions, type ClairOptions, type ClairRule } from "./options.js";
import { detect } from "./space/detect.js";
import { findSharedSpace, isSharedByMost, type FoundSpace } from "./space/find-shared-space.js";
import type { Identifiability } from "./space/margin.js";
import type { SharedSpace } from "./space/projection.js";
import { minBenignCount } from "./space/view-measures.js";
import { largeCommonPart } from "./updates/change.js";
import { indicesOf, type Client } from "./updates/sanitise.js";

/** The result of CLAIR for one round (step 6). */
export interface ClairResult {
  /** Status of every client, in the order of the updates. */
  readonly status: ReadonlyMap<string, VerdictStatus>;
  /** The verdicts about the clients that were compared, by id. */
  readonly verdicts: ReadonlyMap<string, ClientVerdict>;
  /** Results of this round's judge beyond the verdicts. */
  readonly judge: JudgeFindings;
  /** The clients that were compared, in the order of the updates. */
  readonly active: readonly Client[];
  /**
   * The collaborative set C: the active clients that are averaged and refined, in the order of the
   * updates.
   */
  readonly pooled: readonly Client[];
  /**
   * Groups of two or more active clients whose changes are copies of one another, by id. Each group
   * counts once.
   */
  readonly copies: readonly (readonly string[])[];
  /** Groups that share the weight of one client: those of copies and of cliques. */
  readonly votes: readonly (readonly string[])[];
  /** Whether there were enough active clients to flag any. */
  readonly canFlag: boolean;
  /** Tangents of active clients to the shared space; rule `gap` blends them with earlier rounds. */
  readonly tangents: ReadonlyMap<string, number>;
  /** The modules in which flagged and undecided clients lie farthest outside, by id. */
  readonly farModules: ReadonlyMap<string, readonly ModuleDistance[]>;
  /** The ratio that separates high from low tangents, at least 1. */
  readonly gap: number;
  /**
   * How clearly the shared space is the only one that most clients fit. It is absent if that was
   * not measured: with few or very many clients, or if the space holds less than half of their
   * changes.
   */
  readonly identifiable?: Identifiability<string> | undefined;
  /** The shared space of every module; empty without an active client. */
  readonly spaces: ReadonlyMap<string, SharedSpace>;
  /**
   * The modules that were compared, for `refine` and `moduleTangents`. The caller must close them.
   */
  readonly modules: ModulePool;
}

/** Results of the judge beyond the verdicts. Rule `gap` has none. */
type JudgeFindings = { readonly by: "gap" } | EvidenceFindings;

/** Results of rule `evidence` beyond the verdicts. */
interface EvidenceFindings {
  readonly by: "evidence";
  readonly controls: Controls;
  /** The measures of the active clients. */
  readonly measures: ClientMeasures;
  /** The histories after this round; absent if none were given. */
  readonly histories?: EvidenceHistories | undefined;
}

/** ln of the clients' tangents over earlier rounds, by client id. */
export type Memory = ReadonlyMap<string, number>;

/** Known facts about a module of all clients, before it is compared. */
export interface KnownModule {
  /** ⟨X_i, X_j⟩ of the clients, K×K. */
  readonly gram?: Matrix;
  readonly measures: ModuleMeasures;
}

/** Selects the known facts about some of the clients. */
export function selectModule(
  { gram, measures }: KnownModule,
  rows: readonly number[],
): KnownModule {
  return {
    ...(gram && { gram: gram.among(rows) }),
    measures: selectMeasures(measures, rows),
  };
}

/** Everything that a round may depend on, apart from its updates. */
export interface RoundContext {
  /** Tangents of earlier rounds, which rule `gap` blends with those of this round. */
  readonly memory?: Memory;
  /**
   * The newest updates of clients that are absent in this round. They improve the detection and get
   * no verdict. The shared spaces are then fitted to this round's benign clients only, as spaces
   * drift from round to round.
   */
  readonly past?: readonly Update[];
  /**
   * Statistics of earlier rounds, which rule `evidence` combines with this round. If absent, this
   * round is judged by itself.
   */
  readonly histories?: EvidenceHistories;
  /** Known facts about the updates by module. They are not computed again. */
  readonly known?: ReadonlyMap<string, KnownModule>;
  /**
   * Ids of clients that are known to have started elsewhere than most, for example from another A₀.
   * Standing apart is then no evidence.
   */
  readonly otherStarts?: ReadonlySet<string>;
  /** What honest clients look like, with rule `evidence`; default: the bank that is shipped. */
  readonly bank?: Bank;
  /**
   * Kinds of attackers that a client must be cleared of to be called benign, with rule `evidence`;
   * default: any one kind.
   */
  readonly required?: readonly ControlKind[];
  /**
   * The power of positive controls among clients like these, with rule `evidence`; default: it is
   * measured among these.
   */
  readonly power?: Power | undefined;
  /**
   * Number of other threads that compute; with 0, the default, this thread does. The result is the
   * same to the bit.
   */
  readonly threads?: number;
}

/** The active clients of a round. */
interface ActiveClients {
  readonly clients: readonly Client[];
  /** Indices of the clients that take part in this round; the others are in its window only. */
  readonly present: readonly number[];
  /** Their indices in the round's updates, by client; -1 for a client that is absent. */
  readonly rows: readonly number[];
}

/** The judgement of the active clients of a round. */
interface RoundJudgement {
  readonly clients: readonly ClientVerdict[];
  readonly judge: JudgeFindings;
  /** Indices of the clients that the space was fitted to; with rule `evidence` one a group. */
  readonly voters: readonly number[];
  /** The number of each client's group of copies. */
  readonly groups: readonly number[];
  /** The number of the group with which each client shares a vote: of its copies or its clique. */
  readonly votes: readonly number[];
  /** The shared space; absent without a client. */
  readonly found?: FoundSpace;
}

/** With fewer clients there is nothing to score them against. */
const minScoredClients = 3;

/** Runs steps 1 to 5: finds the space that the clients share, and judges the clients. */
export async function judgeRound(
  modules: ModulePool,
  active: ActiveClients,
  options: ClairOptions,
  context: RoundContext,
): Promise<RoundJudgement> {
  const { clients } = active;
  const { rule } = options;
  const all = indices(clients.length);
  const alone = { voters: all, groups: all, votes: all };
  if (clients.length === 0) return { clients: [], judge: { by: "gap" }, ...alone };
  if (rule.by === "evidence" && clients.length >= minScoredClients)
    return weighEvidence(modules, active, { ...options, rule }, context);
  const earlier = clients.map(({ id }) => context.memory?.get(id));
  const found = await findSharedSpace(modules, clients, earlier, toFindOptions(options));
  return { clients: judgeByGap(found.detection), judge: { by: "gap" }, ...alone, found };
}

type EvidenceOptions = ClairOptions & {
  readonly rule: Extract<ClairRule, { readonly by: "evidence" }>;
};

/**
 * Measures the clients and judges them by all evidence. The clients that agree most help to find
 * the space, and the clients that all evidence trusts most fit it again.
 */
async function weighEvidence(
  modules: ModulePool,
  { clients, present, rows }: ActiveClients,
  options: EvidenceOptions,
  context: RoundContext,
): Promise<RoundJudgement> {
  const { bank = readShippedBank(), required = [], power, histories } = context;
  const { rule } = options;
  const compared = indicesOf(clients);
  const norms = clients.map(({ norm }) => norm);
  const knownOf = (m: number) => {
    const known = rows.includes(-1) ? undefined : context.known?.get(item(modules.names, m));
    return known && selectModule(known, rows);
  };
  const { grams, cosines, measured, fewNumbers, sample } = await compareClients(
    modules,
    clients,
    knownOf,
    options.seed,
  );
  // Among few numbers, close changes are chance.
  const groups = fewNumbers ? indices(clients.length) : groupCopies(cosines, grams, sample);
  const voters = listVoters(groups, Float64Array.from(norms, Math.log));
  const voting = pick(clients, voters);
  const core = findAgreeingCore(cosines.among(voters), sample && findPlaces(voters, sample));
  const first = await findSpace(modules, voting, options, core, fewNumbers);
  const known = {
    cosines,
    sample,
    groups,
    norms,
    modules: measured,
    effectiveRanks: await modules.each((module) => module.ask("effectiveRanks", compared)),
    ranks: first.views.ranks,
    startsElsewhere: clients.map(({ id }) => context.otherStarts?.has(id) ?? false),
  };
  // A copy lies as far outside as the client that votes for it.
  const ofGroup = new Map(voters.map((k, i) => [item(groups, k), i]));
  const copied = groups.map((group) => ofGroup.get(group) ?? NaN);
  const gramsOfVoting = grams.map((gram) => gram.among(voters));
  const isNoisy = options.side === "left" && measured.every(({ isDense }) => isDense);
  const measureFor = async (space: FoundSpace) => {
    const residuals =
      isNoisy && !space.comparison.centre
        ? await findResiduals(modules, voting, { grams: gramsOfVoting, measured }, space)
        : undefined;
    return combineMeasures({
      ...known,
      tangents: pick(space.detection.scores, copied),
      residuals: residuals && {
        ...residuals,
        energies: Float64Array.from(copied, (i) => at(residuals.energies, i)),
      },
    });
  };
  const firstMeasures = await measureFor(first);
  const found = await fitToCore(first, options, selectClients(firstMeasures, voters), bank);
  const measures = found === first ? firstMeasures : await measureFor(found);
  const { clients: verdicts, ...findings } = judgeByEvidence(
    measures,
    clients.map(({ id }) => id),
    {
      bank,
      rate: rule.falseAlarmRate,
      required,
      power,
      minClients: leastClients(options),
      poolsUndecided: rule.undecided === "in",
    },
    histories && { histories, present },
    stream("positive controls").at(options.seed),
  );
  const own = present.length < clients.length ? selectClients(measures, present) : measures;
  const judge = { by: "evidence", ...findings, measures: own } as const;
  const sharing = indices(clients.length).filter((k) => verdicts[k]?.sharesVote === true);
  const votes = groupCliques(measures, sharing);
  return { clients: verdicts, judge, voters, groups, votes, found };
}

/** Measures what lies outside a space of columns, and in how many directions. */
async function findResiduals(
  modules: ModulePool,
  clients: readonly Client[],
  { grams, measured }: Pick<ComparedClients, "grams" | "measured">,
  { detection, views }: FoundSpace,
): Promise<Residuals | undefined> {
  const found = measureResiduals(
    detection.energies,
    grams,
    clients.map(({ norm }) => norm),
    measured.map(({ shape }) => shape),
    views.ranks,
  );
  if (!found) return undefined;
  const half = listLeastHalf(found.energies);
  const spaces = await views.spaces(half);
  const some = pick(clients, half);
  const inside = await modules.each((module, m) =>
    module.ask("gramInside", item(spaces, m), indicesOf(some)),
  );
  const own = grams.map((gram) => gram.among(half));
  const directions = countDirections(
    own,
    inside,
    some.map(({ norm }) => norm),
    found,
  );
  return { energies: found.energies, directions };
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
  const settings = toFindOptions(options);
  if (core.usual >= largeCommonPart && !options.centered && !fewNumbers) {
    const centred = { ...settings, centered: true };
    const varying = await findSharedSpace(modules, clients, [], centred, core);
    if (isSharedByMost(varying.detection)) return varying;
    varying.views.drop();
  }
  return findSharedSpace(modules, clients, [], settings, core);
}

/**
 * Fits a space that most clients share again, to the core: the clients that all evidence trusts
 * most. Colluders on few directions can make a space theirs, and other evidence shows that they are
 * not like most.
 */
async function fitToCore(
  found: FoundSpace,
  options: ClairOptions,
  measures: ClientMeasures,
  bank: Bank,
): Promise<FoundSpace> {
  if (!isSharedByMost(found.detection)) return found;
  const certain = minBenignCount(found.views.size, options);
  const { core } = scoreClients(measures, bank.spreads, certain);
  return { ...found, detection: await detect(found.views, core, [], toFindOptions(options), 1) };
}
