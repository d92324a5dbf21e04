import { meanWeights } from "../robust/mixture.js";
import { squaredDistances } from "../robust/gram.js";
import { createRulePlugin, type Rule } from "../robust/rule.js";
import { sortByScore, computeKrumScores } from "./scores.js";

/**
 * Creates the rule that averages the points with the best Krum scores, which are computed once. The
 * verdicts follow the assumption of the rule and do not depend on the number of averaged points:
 * the f points with the worst scores are outliers. On equal scores the first point wins.
 * @param countAveraged returns how many of the K points are averaged
 */
export function createKrumRule(countAveraged: (count: number, f: number) => number): Rule {
  return async (points, f) => {
    const { count } = points;
    const scores = computeKrumScores(squaredDistances(await points.gram()), f);
    const order = sortByScore(scores);
    const selected = order.slice(0, countAveraged(count, f)).sort((i, j) => i - j);
    const threshold = f === 0 ? null : (scores[order[count - f - 1] ?? 0] ?? null);
    const change = await points.combine(meanWeights(count, selected));
    return { change, selected, scores, threshold };
  };
}

export const krumRule = createKrumRule(() => 1);
export const multiKrumRule = createKrumRule((count, f) => count - f);

/**
 * Krum (Blanchard et al., NeurIPS 2017): the change of the one client whose K - f - 2 nearest
 * neighbours are closest. Low-rank pairs stay pairs.
 */
export const krumAggregator = createRulePlugin(krumRule, {
  name: "krum",
  summary: "The change of the one client that is closest to its neighbours.",
});

/**
 * Multi-Krum (Blanchard et al., NeurIPS 2017): the unweighted mean of the K - f clients with the
 * best Krum scores. Low-rank pairs stay pairs.
 */
export const multiKrumAggregator = createRulePlugin(multiKrumRule, {
  name: "multi-krum",
  summary: "The mean of the clients that are closest to their neighbours.",
});
