import type { ModuleDistance, Update, VerdictStatus } from "@fedclair/core";
import { item, pick, zip } from "@fedclair/linalg";
import { findFailures } from "./judge/screens.js";
import { type Bank } from "./judge/bank.js";
import type { ControlKind, Power } from "./judge/controls.js";
import type { RoundVerdict } from "./judge/evidence.js";
import type { Measures } from "./measures/measures.js";
import type { ClientHistories } from "./judge/rounds.js";
import { listFarModules } from "./space/far-modules.js";
import type { FoundSpace } from "./space/find-shared-space.js";
import { leastClients, type ClairOptions } from "./options.js";
import { judgeRound, type ClientJudgement, type KnownModule, type Memory } from "./judge-round.js";
import { selectMeasures } from "./measures/module-measures.js";
import { selectComparable, indicesOf, sanitise, type Client } from "./updates/sanitise.js";
import type { SharedSpace } from "./space/projection.js";
import { ModulePool } from "./modules/module-pool.js";

/** The result of CLAIR for one round (step 6). */
export interface ClairResult {
  /** Status of every client, in the order of the updates. */
  readonly status: ReadonlyMap<string, VerdictStatus>;
  /** The judgements of the clients that were compared, by id. */
  readonly judgements: ReadonlyMap<string, ClientJudgement>;
  /** The clients that were compared, in the order of the updates. */
  readonly active: readonly Client[];
  /**
   * The collaborative set C: the active clients that are averaged and refined, in the order of the
   * updates.
   */
  readonly benign: readonly Client[];
  /** Whether there were enough active clients to flag any. */
  readonly detection: boolean;
  /** With rule `evidence`: the positive controls, and the limit below which a score is usual. */
  readonly controls?: Pick<RoundVerdict, "power" | "flagged" | "cleared" | "thresholds">;
  /** The histories after this round; absent if none were given. */
  readonly histories?: ClientHistories;
  /** The measures of the clients that were compared; only with rule `evidence`. */
  readonly measures?: Measures;
  /** Blended tangents of active clients, for the memory of later rounds. */
  readonly tangents: ReadonlyMap<string, number>;
  /** The modules in which flagged and undecided clients lie farthest outside, by id. */
  readonly farModules: ReadonlyMap<string, readonly ModuleDistance[]>;
  /** The ratio that separates high from low scores, at least 1. */
  readonly gap: number;
  /** The shared space of every module; empty without an active client. */
  readonly spaces: ReadonlyMap<string, SharedSpace>;
  /**
   * The modules that were compared, for `refine` and `moduleTangents`. The caller must close them.
   */
  readonly modules: ModulePool;
}

/** Everything that a round may depend on, apart from its updates. */
export interface RoundContext {
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
  readonly histories?: ClientHistories;
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

/**
 * Runs steps 0 to 6 of CLAIR: recovers from the updates of one round the low-rank space that benign
 * clients share, and finds the clients outside it, as a structured low-rank plus block-sparse
 * decomposition. After He, Chen and Feng, "Federated LoRA Fine-Tuning for LLMs via Collaborative
 * Alignment", arXiv 2605.21217. The estimator is a least trimmed subspace. It was designed for this
 * platform from the paper's abstract and is not the authors' code.
 * @param updates one for each client
 * @throws UserError if no module has two axes or more
 */
export async function clair(
  updates: readonly Update[],
  options: ClairOptions,
  {
    memory = new Map(),
    past = [],
    histories,
    known = new Map(),
    otherStarts = new Set(),
    bank,
    required = [],
    power,
    threads = 0,
  }: RoundContext = {},
): Promise<ClairResult> {
  // Step 0: select the clients that can be compared.
  const compared = await selectComparable([...updates, ...past]);
  const modules = await ModulePool.create(compared, options, threads);
  try {
    const norms = await modules.each((module) => module.ask("norms"));
    const { active, inactive } = sanitise(compared, norms);

    // Steps 1 to 5: find the space that the clients share, and the clients outside it.
    const ids = new Set(updates.map(({ clientId }) => clientId));
    const isPresent = ({ id }: Client) => ids.has(id);
    const rows = pick(compared, indicesOf(active)).map((update) => updates.indexOf(update));
    const knownOf = (name: string): KnownModule | undefined => {
      const own = past.length === 0 ? known.get(name) : undefined;
      return own && selectModule(own, rows);
    };
    const judgement = await judgeRound(modules, active, options, {
      memory,
      histories,
      isPresent,
      known: knownOf,
      hasOtherStart: ({ id }) => otherStarts.has(id),
      bank,
      required,
      power,
    });

    // Step 6: report on this round's clients.
    const { found } = judgement;
    const isPooled = (k: number) => item(judgement.clients, k).isPooled;
    const pooled = active.filter((_, k) => isPooled(k));
    const inside = pooled.filter(isPresent);
    const isFitted =
      past.length === 0 &&
      pooled.map((client) => active.indexOf(client)).join() === found?.detection.benign.join();
    const spaces = found ? await fitSpaces(modules, found, isFitted ? [] : inside) : [];
    const failures = await runScreens(modules, spaces, inside, options);
    const benign = inside.filter(({ id }) => !failures.has(id));
    const present = <T>(values: readonly T[]) =>
      new Map(
        zip(active, values).flatMap(([client, value]) =>
          isPresent(client) ? [[client.id, value] as const] : [],
        ),
      );
    const judgements = present(judgement.clients);
    for (const [id, reason] of failures) {
      const own = judgements.get(id);
      if (own) judgements.set(id, { ...own, status: "contaminated", isPooled: false, reason });
    }
    const detection = active.length >= leastClients(options);
    const included = new Set(benign);
    const far =
      found && detection
        ? listFarModules(
            modules.names,
            found.detection.energies,
            indicesWhere(active, (client) => included.has(client)),
            indicesWhere(active, ({ id }) => isDoubtful(judgements.get(id))),
          )
        : new Map<number, readonly ModuleDistance[]>();
    return {
      status: toStatuses(updates, inactive, judgements),
      judgements,
      active: active.filter(isPresent),
      benign,
      detection,
      farModules: new Map([...far].map(([k, list]) => [item(active, k).id, list])),
      gap: judgement.gap,
      ...(judgement.controls && { controls: judgement.controls }),
      ...(judgement.histories && { histories: judgement.histories }),
      ...(judgement.measures && past.length === 0 && { measures: judgement.measures }),
      tangents: present(found?.detection.scores ?? []),
      spaces: new Map(spaces.map((space, m) => [item(modules.names, m), space])),
      modules,
    };
  } catch (error) {
    modules.close();
    throw error;
  }
}

/**
 * The shared spaces by module.
 * @param alone if not empty, the spaces are fitted to these clients only
 */
async function fitSpaces(
  modules: ModulePool,
  { detection, views, comparison }: FoundSpace,
  alone: readonly Client[],
): Promise<SharedSpace[]> {
  if (alone.length === 0) return views.spaces(detection.benign);
  const clients = indicesOf(alone);
  const centre = comparison.centre && { centre: clients };
  const own = await modules.views({ ...comparison, clients, ...centre }, views.ranks);
  return own.spaces([...clients.keys()]);
}

/**
 * Applies the screens to clients inside the space and returns the reason of every failure by client
 * id.
 */
async function runScreens(
  modules: ModulePool,
  spaces: readonly SharedSpace[],
  inside: readonly Client[],
  { screens }: ClairOptions,
): Promise<Map<string, string>> {
  if (screens.length === 0 || inside.length < 3) return new Map();
  const grams = await modules.each((module, m) =>
    module.ask("gramInside", item(spaces, m), indicesOf(inside)),
  );
  const failed = await findFailures(grams, screens);
  return new Map(failed.map(([k, reason]) => [item(inside, k).id, reason]));
}

/** Is a client flagged or undecided? */
function isDoubtful(judgement: ClientJudgement | undefined): boolean {
  return judgement !== undefined && judgement.status !== "benign";
}

function indicesWhere<T>(items: readonly T[], holds: (one: T) => boolean): number[] {
  return items.flatMap((one, k) => (holds(one) ? [k] : []));
}

/** The status of every client. */
function toStatuses(
  updates: readonly Update[],
  inactive: readonly string[],
  judgements: ReadonlyMap<string, ClientJudgement>,
): Map<string, VerdictStatus> {
  const idle = new Set(inactive);
  return new Map(
    updates.map(({ clientId: id }) => [
      id,
      judgements.get(id)?.status ?? (idle.has(id) ? "inactive" : "invalid"),
    ]),
  );
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
