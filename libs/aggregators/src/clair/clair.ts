import type { Update, VerdictStatus } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { pairs, pick } from "./fit.js";
import type { Detection } from "./detect.js";
import { locate, locateCentred, type Cohort, type Memory } from "./locate.js";
import type { ClairOptions } from "./options.js";
import type { Parts } from "./parts.js";
import { inThisThread, type Place } from "./place.js";
import {
  comparable,
  indicesOf,
  sanitise,
  updatesOf,
  type Client,
  type Sanitised,
} from "./sanitise.js";
import type { SharedSpace } from "./space.js";

/** What CLAIR says of one round (step 6). */
export interface ClairResult {
  /** Of every client, in the order of the updates. */
  readonly status: ReadonlyMap<string, VerdictStatus>;
  /** The clients that were compared, in the order of the updates. */
  readonly active: readonly Client[];
  /** The collaborative set C: the active clients found benign, in the order of the updates. */
  readonly benign: readonly Client[];
  /** False if there were too few active clients to suspect any. */
  readonly detection: boolean;
  /** Of active clients: the tangent of the angle to the shared space, 0 … 1e6, blended with earlier rounds. */
  readonly scores: ReadonlyMap<string, number>;
  /** Scores above it are contaminated; Infinity: nobody's. */
  readonly threshold: number;
  /** How clearly the scores part, a ratio ≥ 1. */
  readonly gap: number;
  /** The names of the modules. */
  readonly modules: readonly string[];
  /** The shared space of every module; empty without an active client. */
  readonly spaces: ReadonlyMap<string, SharedSpace>;
  /** The modules as they were compared, for what comes after: `refine`, `moduleTangents`. To be closed in the end. */
  readonly parts: Parts;
}

/** What beside the updates a round may depend on. */
export interface Circumstances {
  /** ln of the clients' scores over earlier rounds. */
  readonly memory?: Memory;
  /**
   * The newest updates of clients that do not take part in this round: they help to tell who is contaminated, and get no
   * verdict; the spaces are then those of this round's benign clients alone, which may have drifted (section 5).
   */
  readonly past?: readonly Update[];
  /** Where to compute; by default in this thread. The result does not depend on it, to the bit. */
  readonly place?: Place;
}

/**
 * CLAIR, steps 0 to 6: recovers from one round's updates the low-rank space that benign clients share, and finds the
 * clients outside it, as a structured low-rank plus block-sparse decomposition. After He, Chen and Feng,
 * "Federated LoRA Fine-Tuning for LLMs via Collaborative Alignment", arXiv 2605.21217; the estimator is a least trimmed subspace,
 * designed for this platform from the paper's abstract, and not the authors' code.
 * @param updates one for each client
 * @throws UserError if a module is not a matrix
 */
export async function clair(
  updates: readonly Update[],
  options: ClairOptions,
  { memory = new Map(), past = [], place = inThisThread }: Circumstances = {},
): Promise<ClairResult> {
  const compared = comparable([...updates, ...past]);
  const { modules } = compared;
  const parts = place(
    modules.map((module) => updatesOf(compared, module)),
    options,
  );
  try {
    const { active, inactive } = await sanitise(compared, parts, options.zeroTol);
    const detection = await detectionOf({ clients: active, parts, memory }, options);
    const present = new Set(updates.map(({ clientId }) => clientId));
    const ofPresent = (clients: readonly Client[]) => clients.filter(({ id }) => present.has(id));
    const benign = ofPresent(pick(active, detection.benign));
    const isRefitted = past.length > 0 && benign.length > 0;
    const spaces =
      active.length === 0
        ? []
        : isRefitted
          ? await parts.each("spaceOf", indicesOf(benign))
          : await parts.each("space", detection.benign);
    const { threshold, gap } = detection;
    return {
      status: statusOf(updates, { active, inactive, benign }),
      ...{ active: ofPresent(active), benign, modules, parts },
      detection: active.length >= options.minClients,
      scores: new Map(
        ofPresent(active).map(({ id, index }) => [id, detection.scores[index] ?? NaN]),
      ),
      ...{ threshold, gap, spaces: new Map(pairs(modules, spaces)) },
    };
  } catch (error) {
    parts.close();
    throw error;
  }
}

function detectionOf(cohort: Cohort, options: ClairOptions): Detection | Promise<Detection> {
  const { clients } = cohort;
  if (clients.length === 0) return { benign: [], scores: [], threshold: Infinity, gap: 1 };
  if (!options.centered) return locate(cohort, options);
  const rounding = options.zeroTol * median(clients.map(({ norm }) => norm));
  return locateCentred(cohort, options, rounding);
}

function statusOf(
  updates: readonly Update[],
  { active, inactive, benign }: Sanitised & Pick<ClairResult, "benign">,
): Map<string, VerdictStatus> {
  const known = new Map<string, VerdictStatus>([
    ...inactive.map((id): [string, VerdictStatus] => [id, "inactive"]),
    ...active.map(({ id }): [string, VerdictStatus] => [id, "contaminated"]),
    ...benign.map(({ id }): [string, VerdictStatus] => [id, "benign"]),
  ]);
  return new Map(updates.map(({ clientId: id }) => [id, known.get(id) ?? "invalid"]));
}
