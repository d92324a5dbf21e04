import { indices } from "@fedclair/linalg";
import { squaredDistances } from "../robust/gram.js";
import { meanWeights } from "../robust/mixture.js";
import { createRulePlugin, type Rule } from "../robust/rule.js";
import { requireMdaF, selectSmallest } from "./selection.js";

export const mdaRule: Rule = async (points, f) => {
  const { count } = points;
  const squared = squaredDistances(await points.gram());
  const { selected, squaredDiameter } = selectSmallest(squared, f);
  const scores = indices(count).map((k) =>
    Math.sqrt(Math.max(...selected.map((i) => squared.get(i, k)))),
  );
  const change = await points.combine(meanWeights(count, selected));
  return { change, selected, scores, threshold: Math.sqrt(squaredDiameter) };
};

/**
 * Minimum-diameter averaging (MDA, El Mhamdi et al., ICML 2018, arXiv 1802.07927, as Brute): the
 * unweighted mean of the K - f changes whose largest distance from one another is smallest. A
 * client is flagged if it is further from one of them than they are from one another. Low-rank
 * pairs stay pairs.
 */
export const mdaAggregator = createRulePlugin(mdaRule, {
  name: "mda",
  summary: "The mean of the clients whose changes lie in the smallest diameter (MDA).",
  checkF: requireMdaF,
});
