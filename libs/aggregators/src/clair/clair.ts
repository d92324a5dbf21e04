import type { Update, VerdictStatus } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { pick } from "./fit.js";
import { locate, locateCentred, refitted, type Memory, type SharedSpace } from "./locate.js";
import type { ClairOptions } from "./options.js";
import { normOfClient, sanitise, type Client } from "./sanitise.js";

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
  /** The shared space of every module; empty without an active client. */
  readonly spaces: ReadonlyMap<string, SharedSpace>;
}

/**
 * CLAIR, steps 0 to 6: recovers from one round's updates the low-rank space that benign clients share, and finds the
 * clients outside it, as a structured low-rank plus block-sparse decomposition. After He, Chen and Feng,
 * "Federated LoRA Fine-Tuning for LLMs via Collaborative Alignment", arXiv 2605.21217; the estimator is a least trimmed subspace,
 * designed for this platform from the paper's abstract, and not the authors' code.
 * @param updates one for each client
 * @param memory ln of the clients' scores over earlier rounds, by client id
 * @param past the newest updates of clients that do not take part in this round: they help to tell who is contaminated, and get no
 *   verdict; the spaces are then those of this round's benign clients alone, which may have drifted (section 5)
 * @throws UserError if a module is not a matrix
 */
export function clair(
  updates: readonly Update[],
  options: ClairOptions,
  memory: Memory = new Map(),
  past: readonly Update[] = [],
): ClairResult {
  if (past.length > 0) return withPast(updates, options, memory, past);
  const { modules, active, inactive, invalid } = sanitise(updates, options.zeroTol);
  if (active.length === 0) {
    return {
      status: statusOf(updates, new Set(), new Set(inactive), new Set(invalid)),
      ...{ active, benign: [] },
      detection: false,
      scores: new Map(),
      threshold: Infinity,
      gap: 1,
      spaces: new Map(),
    };
  }
  const { detection, spaces } = options.centered
    ? locateCentred(active, modules, options, memory, rounding(active, options))
    : locate(active, modules, options, memory);
  const benign = pick(active, detection.benign);
  const scores = active.map(({ id }, k): [string, number] => [id, detection.scores[k] ?? NaN]);
  return {
    status: statusOf(
      updates,
      new Set(benign.map(({ id }) => id)),
      new Set(inactive),
      new Set(invalid),
    ),
    ...{ active, benign },
    detection: active.length >= options.minClients,
    scores: new Map(scores),
    threshold: detection.threshold,
    gap: detection.gap,
    spaces,
  };
}

/** The norm of a difference that is nothing but rounding. */
function rounding(active: readonly Client[], { zeroTol }: ClairOptions): number {
  return zeroTol * median(active.map(normOfClient));
}

function withPast(
  updates: readonly Update[],
  options: ClairOptions,
  memory: Memory,
  past: readonly Update[],
): ClairResult {
  const all = clair([...updates, ...past], options, memory);
  const present = new Set(updates.map(({ clientId }) => clientId));
  const ofPresent = <T>(entries: ReadonlyMap<string, T>) =>
    new Map([...entries].filter(([id]) => present.has(id)));
  const active = all.active.filter(({ id }) => present.has(id));
  const benign = all.benign.filter(({ id }) => present.has(id));
  const spaces = benign.length > 0 ? refitted(benign, all.spaces, options) : all.spaces;
  const [status, scores] = [ofPresent(all.status), ofPresent(all.scores)];
  return { ...all, status, scores, active, benign, spaces };
}

function statusOf(
  updates: readonly Update[],
  benign: ReadonlySet<string>,
  inactive: ReadonlySet<string>,
  invalid: ReadonlySet<string>,
): Map<string, VerdictStatus> {
  return new Map(
    updates.map(({ clientId: id }): [string, VerdictStatus] => {
      if (invalid.has(id)) return [id, "invalid"];
      if (inactive.has(id)) return [id, "inactive"];
      return [id, benign.has(id) ? "benign" : "contaminated"];
    }),
  );
}
