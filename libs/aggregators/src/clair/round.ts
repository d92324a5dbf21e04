import {
  tensorOf,
  UserError,
  type Aggregate,
  type ModuleUpdate,
  type Modules,
  type Tensor,
  type Update,
  type Verdict,
} from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import { isFactored, type Change } from "./change.js";
import { clair, type ClairResult } from "./clair.js";
import type { Memory } from "./locate.js";
import type { ClairOptions } from "./options.js";
import { refine, type Refined } from "./refine.js";
import { screened } from "./screens.js";

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
  readonly aggregate: Aggregate;
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
  const judged = clair(
    order.flatMap((i) => updates.slice(i, i + 1)),
    options,
    memory,
    past,
  );
  requireRoom(judged);
  const { result, reasons } = await screened(judged, options);
  const logarithm = (score: number) => Math.log(Math.max(score, options.scoreFloor));
  return {
    aggregate: aggregateOf(updates, result, refine(result, options), reasons),
    remembered: new Map(
      result.detection ? [...result.scores].map(([id, score]) => [id, logarithm(score)]) : [],
    ),
  };
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
  refined: ReadonlyMap<string, Refined>,
  reasons: ReadonlyMap<string, string>,
): Aggregate {
  const toUpdate = converter();
  const termOf = (part: (module: Refined) => Change | undefined): Modules => {
    const term = new Map<string, ModuleUpdate>();
    for (const [name, module] of refined) {
      const change = part(module);
      if (change !== undefined) term.set(name, toUpdate(change));
    }
    return term;
  };
  const shared = termOf((module) => (module.share > 0 ? module.shared : undefined));
  const sharedTerms = shared.size > 0 ? [shared] : [];
  const personal = updates.map(({ clientId: id, modules }): [string, Modules[]] => {
    switch (result.status.get(id)) {
      case "benign":
        return [id, [termOf((module) => module.personal.get(id)), ...sharedTerms]];
      case "inactive":
        return [id, sharedTerms];
      default:
        return [id, [modules]];
    }
  });
  return {
    global: refined.size > 0 ? [termOf((module) => module.meanPersonal), ...sharedTerms] : [],
    personal: new Map(personal),
    verdicts: updates.map((update) => verdictOf(update, result, reasons)),
    metrics: metricsOf(result),
  };
}

/** Tensors of matrices; a matrix that several changes share stays one tensor. */
function converter(): (change: Change) => ModuleUpdate {
  const known = new Map<Matrix, Tensor>();
  const toTensor = (matrix: Matrix) => {
    const tensor = known.get(matrix) ?? tensorOf(matrix);
    known.set(matrix, tensor);
    return tensor;
  };
  return (change) =>
    isFactored(change) ? { b: toTensor(change.b), a: toTensor(change.a) } : toTensor(change);
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
