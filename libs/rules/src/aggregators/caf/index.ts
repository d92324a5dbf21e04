import { createRulePlugin, type Rule } from "../robust/rule.js";
import { filterWeights } from "./weights.js";

export const cafRule: Rule = async (points, f) => ({
  change: await points.combine(await filterWeights(await points.gram(), f)),
});

/**
 * Covariance-bound agnostic filter (CAF, Allouah, Guerraoui, Stephan, ICML 2025): a
 * weighted mean. Step by step, clients lose weight that lie far out along the direction in which
 * the changes differ most, and the mean with the smallest variance counts. Low-rank pairs stay
 * pairs.
 */
export const cafAggregator = createRulePlugin(cafRule, {
  name: "caf",
  summary: "A weighted mean; clients far out where the changes differ most lose weight (CAF).",
});
