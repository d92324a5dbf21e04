import { createMeanNearMedian } from "../robust/coordinates.js";
import { createRulePlugin, type Rule } from "../robust/rule.js";

export const meamedRule: Rule = async (points, f) => ({
  change: await points.reduce(createMeanNearMedian(points.count - f)),
});

/**
 * The mean around the median (Meamed, Xie et al., arXiv 1802.10116): of every coordinate, the
 * unweighted mean of the K - f values closest to the median. Low-rank pairs are multiplied out
 * block by block, and the change is dense.
 */
export const meamedAggregator = createRulePlugin(meamedRule, {
  name: "meamed",
  summary: "The mean of every coordinate's values closest to the median; dense (Meamed).",
});
