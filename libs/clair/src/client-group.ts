import type { Update, Verdict } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { countWeights } from "@fedclair/rules";
import { toAggregation } from "./aggregation.js";
import { requireProperSubspace } from "./aggregator.js";
import { clair } from "./clair.js";
import type { Power } from "./judge/controls.js";
import type { ClairOptions } from "./options.js";
import { refine } from "./refine.js";
import type { GroupUpdate, JudgedGroup } from "./modules/thread-objects.js";

/** A group of clients that is judged by itself, in the thread that holds it. */
export class ClientGroup {
  readonly #updates: readonly Update[];
  readonly #options: ClairOptions;

  constructor(updates: readonly GroupUpdate[], options: ClairOptions) {
    this.#updates = updates.map((update) => ({ ...update, metrics: {} }));
    this.#options = options;
  }

  /**
   * Runs all steps of CLAIR.
   * @param power the power of positive controls, if it is known
   * @throws UserError if no module has two axes or more, or if the spaces have all dimensions
   */
  async judge(power: Power | undefined): Promise<JudgedGroup> {
    const [updates, options] = [this.#updates, this.#options];
    const result = await clair(updates, options, { power });
    const { controls } = result;
    try {
      requireProperSubspace(result);
      const refined = await refine(result, options);
      const { change, verdicts = [], metrics } = toAggregation(updates, result, refined, options);
      return {
        change,
        weight: sum(countWeights(result.benign, options.weighting)),
        verdicts: verdicts.map(shorten),
        contaminated: metrics?.["contaminated"] ?? 0,
        inactive: metrics?.["inactive"] ?? 0,
        controls: controls && { power: controls.power, cleared: controls.cleared },
      };
    } finally {
      result.modules.close();
    }
  }
}

/** Keeps the evidence against flagged clients only: it would be most of the records otherwise. */
function shorten(verdict: Verdict): Verdict {
  if (verdict.status === "contaminated") return verdict;
  const { clientId, status, pooled, score, threshold, reason } = verdict;
  return { clientId, status, pooled, score, threshold, ...(reason !== undefined && { reason }) };
}
