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

/** What CLAIR says of one round (step 6). */
export interface ClairResult {
  /** Of every client, in the order of the updates. */
  readonly status: ReadonlyMap<string, VerdictStatus>;
  /** Why, where score and threshold do not tell, by client id. */
  readonly reasons: ReadonlyMap<string, string>;
  /** The clients that were compared, in the order of the updates. */
  readonly active: readonly Client[];
  /** The collaborative set C: the active clients that are not contaminated, in the order of the updates. */
  readonly benign: readonly Client[];
  /** False if there were too few active clients to suspect any. */
  readonly detection: boolean;
  /**
   * Of active clients. With rule `evidence`, in units of what convicts; else the tangent of the angle to the shared space, 0 … 1e6,
   * blended with earlier rounds.
   */
  readonly scores: ReadonlyMap<string, number>;
  /** Of active clients, with rule `evidence`: what the scores rest on. */
  readonly evidence: ReadonlyMap<string, readonly Evidence[]>;
  /** The standings after this round, if there were any given. */
  readonly histories?: ClientHistories;
  /** How alike the active clients' changes are, −1 … 1, in their order, with rule `evidence`: a mean over modules. */
  readonly cosines?: readonly (readonly number[])[];
  /** Of active clients: the blended tangents, for the memory of later rounds. */
  readonly tangents: ReadonlyMap<string, number>;
  /** Scores above it are contaminated; Infinity: nobody's. */
  readonly threshold: number;
  /** How clearly the scores part, a ratio ≥ 1. */
  readonly gap: number;
  /** The shared space of every module; empty without an active client. */
  readonly spaces: ReadonlyMap<string, SharedSpace>;
  /** The modules that were compared, for what comes after: `refine`, `moduleTangents`. To be closed in the end. */
  readonly modules: ModulePool;
}

/** What beside the updates a round may depend on. */
export interface RoundContext {
  readonly memory?: Memory;
  /**
   * The newest updates of clients that do not take part in this round: they help to tell who is contaminated, and get no
   * verdict. The spaces are then those of this round's benign clients alone, as spaces drift from round to round.
   */
  readonly past?: readonly Update[];
  /** With rule `evidence`: what earlier rounds showed, to be weighed with this one. Absent: this round is judged by itself. */
  readonly histories?: ClientHistories;
  /** ⟨X_i, X_j⟩ of the updates, K×K, by module, where it is known: they are not computed then. */
  readonly grams?: ReadonlyMap<string, Matrix>;
  /** Ids of clients of whom it is known that they began elsewhere than most, as from another A₀: what sets them apart is no evidence. */
  readonly otherStarts?: ReadonlySet<string>;
  /** How many other threads compute; 0, the default: this one does. The result does not depend on it, to the bit. */
  readonly threads?: number;
}

/**
 * CLAIR, steps 0 to 6: recovers from one round's updates the low-rank space that benign clients share, and finds the
 * clients outside it, as a structured low-rank plus block-sparse decomposition. After He, Chen and Feng,
 * "Federated LoRA Fine-Tuning for LLMs via Collaborative Alignment", arXiv 2605.21217; the estimator is a least trimmed subspace,
 * designed for this platform from the paper's abstract, and not the authors' code.
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
  // Step 0: who can be compared.
  const compared = await selectComparable([...updates, ...past]);
  const modules = await ModulePool.create(compared, options, threads);
  try {
    const norms = await modules.each((module) => module.ask("norms"));
    const { active, inactive } = sanitise(compared, norms, options.zeroTol);

    // Steps 1 to 5: the space that they share, and who is outside it.
    const ids = new Set(updates.map(({ clientId }) => clientId));
    const isPresent = ({ id }: Client) => ids.has(id);
    const rows = pick(compared, indicesOf(active)).map((update) => updates.indexOf(update));
    const knownGram = (name: string) =>
      past.length === 0 ? grams.get(name)?.among(rows) : undefined;
    const judgement = await judgeRound(modules, active, options, {
      ...{ memory, histories, isPresent, knownGram },
      hasOtherStart: ({ id }) => otherStarts.has(id),
    });

    // Step 6: what is said of this round's clients.
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
      ...{ status, reasons },
      ...{ active: active.filter(isPresent), benign },
      ...{
        detection: active.length >= leastClients(options),
        threshold: judgement.threshold,
        gap: judgement.gap,
      },
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

/** The shared spaces by module. @param alone fits them to these clients, and nobody else, if there are any */
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

/** Which of the clients inside the space fail a screen, and why, by client id. */
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

/** What is said of every client. @param undecided by id: of whom nothing can be said, pooled or not */
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
