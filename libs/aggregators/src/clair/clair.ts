import type { Evidence, Update, VerdictStatus } from "@fedclair/core";
import { item, type Matrix } from "@fedclair/linalg";
import { findFailures } from "./detection/screens.js";
import type { ClientHistories } from "./evidence/client-histories.js";
import { indices, pick, zip } from "./lists.js";
import type { FoundSpace } from "./find-shared-space.js";
import { leastClients, type ClairOptions } from "./options.js";
import { judgeRound, type Memory } from "./judge-round.js";
import { selectComparable, indicesOf, sanitise, type Client, type Sanitised } from "./sanitise.js";
import type { SharedSpace } from "./subspace/space.js";
import { ModulePool } from "./threads/module-pool.js";

/** The result of CLAIR for one round (step 6). */
export interface ClairResult {
  /** Status of every client, in the order of the updates. */
  readonly status: ReadonlyMap<string, VerdictStatus>;
  /** Reasons by client id, where score and threshold do not explain the status. */
  readonly reasons: ReadonlyMap<string, string>;
  /** The clients that were compared, in the order of the updates. */
  readonly active: readonly Client[];
  /**
   * The collaborative set C: the active clients that are not contaminated, in the order of the
   * updates.
   */
  readonly benign: readonly Client[];
  /** Whether there were enough active clients to flag any. */
  readonly detection: boolean;
  /**
   * Scores of active clients. With rule `evidence`, 1 is the limit above which a client is flagged.
   * With other rules a score is the tangent of the angle to the shared space, 0 … 1e6, blended with
   * earlier rounds.
   */
  readonly scores: ReadonlyMap<string, number>;
  /** The evidence behind the scores of active clients, with rule `evidence`. */
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
  /** The histories after this round; absent if none were given. */
  readonly histories?: ClientHistories;
  /**
   * Cosines between the active clients' changes, −1 … 1, in the order of the clients; means over
   * modules. Only with rule `evidence`.
   */
  readonly cosines?: readonly (readonly number[])[];
  /** Blended tangents of active clients, for the memory of later rounds. */
  readonly tangents: ReadonlyMap<string, number>;
  /** Scores above the threshold are contaminated; Infinity means that no client is. */
  readonly threshold: number;
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
  /**
   * Known inner products ⟨X_i, X_j⟩ of the updates, K×K, by module. They are not computed again.
   */
  readonly grams?: ReadonlyMap<string, Matrix>;
  /**
   * Ids of clients that are known to have started elsewhere than most, for example from another A₀.
   * Standing apart is then no evidence.
   */
  readonly otherStarts?: ReadonlySet<string>;
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
    grams = new Map(),
    otherStarts = new Set(),
    threads = 0,
  }: RoundContext = {},
): Promise<ClairResult> {
  // Step 0: select the clients that can be compared.
  const compared = await selectComparable([...updates, ...past]);
  const modules = await ModulePool.create(compared, options, threads);
  try {
    const norms = await modules.each((module) => module.ask("norms"));
    const { active, inactive } = sanitise(compared, norms, options.zeroTol);

    // Steps 1 to 5: find the space that the clients share, and the clients outside it.
    const ids = new Set(updates.map(({ clientId }) => clientId));
    const isPresent = ({ id }: Client) => ids.has(id);
    const rows = pick(compared, indicesOf(active)).map((update) => updates.indexOf(update));
    const knownGram = (name: string) =>
      past.length === 0 ? grams.get(name)?.among(rows) : undefined;
    const judgement = await judgeRound(modules, active, options, {
      memory,
      histories,
      isPresent,
      knownGram,
      hasOtherStart: ({ id }) => otherStarts.has(id),
    });

    // Step 6: report on this round's clients.
    const { found } = judgement;
    const inside = pick(active, judgement.pooled).filter(isPresent);
    const isFitted =
      past.length === 0 && judgement.pooled.join() === found?.detection.benign.join();
    const spaces = found ? await fitSpaces(modules, found, isFitted ? [] : inside) : [];
    const reasons = await runScreens(modules, spaces, inside, options);
    const benign = inside.filter(({ id }) => !reasons.has(id));
    const undecided = new Map(
      [...judgement.undecided]
        .map(([k, why]) => [item(active, k).id, why] as const)
        .filter(([id]) => !reasons.has(id)),
    );
    for (const [id, why] of undecided) reasons.set(id, why);
    const status = toStatuses(updates, { active, inactive, benign }, undecided);
    const present = <T>(values: readonly T[]) =>
      new Map(
        zip(active, values).flatMap(([client, value]) =>
          isPresent(client) ? [[client.id, value] as const] : [],
        ),
      );
    return {
      status,
      reasons,
      active: active.filter(isPresent),
      benign,
      detection: active.length >= leastClients(options),
      threshold: judgement.threshold,
      gap: judgement.gap,
      scores: present(judgement.scores),
      evidence: judgement.evidence ? present(judgement.evidence) : new Map(),
      ...(judgement.histories && { histories: judgement.histories }),
      ...(judgement.cosines && past.length === 0 && { cosines: judgement.cosines.toRows() }),
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
  return own.spaces(indices(clients.length));
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

/**
 * The status of every client.
 * @param undecided reasons by id, for pooled and other undecided clients
 */
function toStatuses(
  updates: readonly Update[],
  { active, inactive, benign }: Pick<ClairResult, "active" | "benign"> & Sanitised,
  undecided: ReadonlyMap<string, string>,
): Map<string, VerdictStatus> {
  const statuses = new Map<string, VerdictStatus>([
    ...inactive.map((id): [string, VerdictStatus] => [id, "inactive"]),
    ...active.map(({ id }): [string, VerdictStatus] => [id, "contaminated"]),
    ...benign.map(({ id }): [string, VerdictStatus] => [id, "benign"]),
    ...[...undecided.keys()].map((id): [string, VerdictStatus] => [id, "undecided"]),
  ]);
  return new Map(updates.map(({ clientId: id }) => [id, statuses.get(id) ?? "invalid"]));
}
