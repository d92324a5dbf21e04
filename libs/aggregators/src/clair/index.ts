import {
  UserError,
  type Aggregate,
  type Aggregator,
  type AggregatorInput,
  type Modules,
  type ModuleUpdate,
  type Plugin,
  type Tensor,
  type Update,
  type Verdict,
} from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import { tensorOf } from "../factors.js";
import { isFactored, type Change } from "./change.js";
import { clair, type ClairResult } from "./clair.js";
import { clairSchema, type ClairOptions } from "./options.js";
import { refine, type Refined } from "./refine.js";

export { clair, type ClairResult } from "./clair.js";
export { compressLowRank } from "./compress.js";
export { outlierPursuit, type Decomposition } from "./convex.js";
export type { Memory, SharedSpace } from "./locate.js";
export { clairSchema, type ClairOptions } from "./options.js";
export { refine, type Refined } from "./refine.js";

/** CLAIR as an aggregator; see `clair` for the method and its source. */
export const clairAggregator: Plugin<Aggregator> = {
  name: "clair",
  summary:
    "Finds the low-rank space that benign clients share and the contaminated clients outside it, and refines each benign client.",
  schema: clairSchema,
  create: (options: ClairOptions) => new Clair(options),
};

class Clair implements Aggregator {
  readonly #options: ClairOptions;
  /** ln of every client's score, as blended in the last round that it took part in. */
  readonly #memory = new Map<string, number>();

  constructor(options: ClairOptions) {
    this.#options = options;
  }

  aggregate({ updates, rng }: AggregatorInput): Promise<Aggregate> {
    // In secret order, so that no attacker can place itself on the clients that the search starts from.
    const result = clair(rng.sample(updates), this.#options, this.#memory);
    if (result.detection && this.#options.memoryBeta > 0) {
      for (const [id, score] of result.scores) {
        this.#memory.set(id, Math.log(Math.max(score, this.#options.scoreFloor)));
      }
    }
    return Promise.resolve(aggregateOf(updates, result, refine(result, this.#options)));
  }
}

/**
 * Benign clients go on with their refined change, inactive ones with the shared part of it, contaminated and invalid ones
 * with their own change and nothing from others. The global change is the mean of the refined ones.
 */
function aggregateOf(
  updates: readonly Update[],
  result: ClairResult,
  refined: ReadonlyMap<string, Refined>,
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
    verdicts: updates.map((update) => verdictOf(update, result)),
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

function verdictOf({ clientId }: Update, { status, scores, threshold }: ClairResult): Verdict {
  const known = status.get(clientId);
  if (known === undefined) throw new UserError(`clair: two updates of client ${clientId}`);
  return {
    clientId,
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
