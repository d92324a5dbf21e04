import {
  UserError,
  type Aggregation,
  type TensorDelta,
  type Delta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { clair, type ClairResult } from "./clair.js";
import { pick } from "./fit.js";
import type { Memory } from "./locate.js";
import type { ClairOptions } from "./options.js";
import { refineToUpdates } from "./refine.js";
import type { RefinedUpdates } from "./refine-module.js";
import { screened } from "./screens.js";
import { inThreads } from "./threads.js";

/** All that one round of CLAIR depends on: it travels to a worker thread. */
export interface ClairRound {
  /** In cohort order. */
  readonly updates: readonly Update[];
  /** The order in which the clients are looked at, indices into the updates. */
  readonly order: readonly number[];
  readonly options: ClairOptions;
  readonly memory: Memory;
  /** The newest updates of clients that take no part in this round, as `clair` takes them. */
  readonly past: readonly Update[];
}

export interface ClairJudgement {
  readonly aggregate: Aggregation;
  /** What to remember: ln of the scores by client id; empty if nobody was judged. */
  readonly remembered: Memory;
}

/** Steps 0 to 7 on one round's updates. */
export async function clairRound({
  updates,
  order,
  options,
  memory,
  past,
}: ClairRound): Promise<ClairJudgement> {
  const judged = await clair(pick(updates, order), options, { memory, past, place: inThreads });
  try {
    requireRoom(judged);
    const { result, reasons } = await screened(judged, options);
    const refined = await refineToUpdates(result, options);
    const logarithm = (score: number) => Math.log(Math.max(score, options.scoreFloor));
    return {
      aggregate: aggregateOf(updates, result, refined, reasons),
      remembered: new Map(
        result.detection ? [...result.scores].map(([id, score]) => [id, logarithm(score)]) : [],
      ),
    };
  } finally {
    judged.parts.close();
  }
}

/** A space of all dimensions holds every update: nobody could ever be found outside it. */
function requireRoom({ detection, spaces }: ClairResult): void {
  if (!detection) return;
  const sides = [...spaces.values()].flatMap(({ left, right }) => [left ?? [], right ?? []].flat());
  if (sides.some(({ rows, cols }) => cols < rows)) return;
  const rows = Math.max(...sides.map((space) => space.rows));
  throw new UserError(
    `clair: spaces of as many dimensions as the modules have rows (${rows}) hold every update, contaminated or not: ` +
      `set rank below ${rows}, or to auto`,
  );
}

/**
 * Benign clients go on with their refined change, inactive ones with the shared part of it, contaminated and invalid ones
 * with their own change and nothing from others. The global change is the mean of the refined ones.
 */
function aggregateOf(
  updates: readonly Update[],
  result: ClairResult,
  refined: ReadonlyMap<string, RefinedUpdates>,
  reasons: ReadonlyMap<string, string>,
): Aggregation {
  const termOf = (part: (module: RefinedUpdates) => TensorDelta | undefined): Delta => {
    const term = new Map<string, TensorDelta>();
    for (const [name, module] of refined) {
      const update = part(module);
      if (update !== undefined) term.set(name, update);
    }
    return term;
  };
  const shared = termOf((module) => module.shared);
  const sharedTerms = shared.size > 0 ? [shared] : [];
  const personal = updates.map(({ clientId: id, delta }): [string, Delta[]] => {
    switch (result.status.get(id)) {
      case "benign":
        return [id, [termOf((module) => module.personal.get(id)), ...sharedTerms]];
      case "inactive":
        return [id, sharedTerms];
      default:
        return [id, [delta]];
    }
  });
  return {
    change: refined.size > 0 ? [termOf((module) => module.meanPersonal), ...sharedTerms] : [],
    personal: new Map(personal),
    verdicts: updates.map((update) => verdictOf(update, result, reasons)),
    metrics: metricsOf(result),
  };
}

function verdictOf(
  { clientId }: Update,
  { status, scores, threshold }: ClairResult,
  reasons: ReadonlyMap<string, string>,
): Verdict {
  const known = status.get(clientId);
  if (known === undefined) throw new UserError(`clair: two updates of client ${clientId}`);
  const reason = reasons.get(clientId);
  return {
    clientId,
    ...(reason !== undefined && { reason }),
    status: known,
    score: scores.get(clientId) ?? null,
    threshold: Number.isFinite(threshold) ? threshold : null,
  };
}

function metricsOf({ gap, spaces, status }: ClairResult): Record<string, number> {
  const count = (wanted: string) => [...status.values()].filter((s) => s === wanted).length;
  return {
    gap,
    contaminated: count("contaminated"),
    inactive: count("inactive"),
    ...Object.fromEntries([...spaces].map(([module, { rank }]) => [`rank.${module}`, rank])),
  };
}
