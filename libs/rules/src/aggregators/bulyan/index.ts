import { fraction } from "../robust/contaminated.js";
import { createMeanNearMedian } from "../robust/coordinates.js";
import { squaredDistances } from "../robust/gram.js";
import { createRulePlugin, type Rule } from "../robust/rule.js";
import { maxBulyanF, selectByBulyan } from "./selection.js";

export const bulyanRule: Rule = async (points, presumed) => {
  const f = Math.min(presumed, maxBulyanF(points.count));
  // With a single neighbour, two mutual neighbours always tie, as in Bulyan's last selections. The
  // first one wins, and points have an order that clients cannot choose.
  const selected = await selectByBulyan(squaredDistances(await points.gram()), f);
  const change = await points.pick(selected).reduce(createMeanNearMedian(selected.length - 2 * f));
  return { change, selected, f };
};

/**
 * Bulyan (El Mhamdi et al., arXiv 1802.07927): Krum selects θ = K - 2f clients one after another.
 * Each coordinate of the result is the unweighted mean of the θ - 2f values closest to the median.
 * Selection works on low-rank pairs. The selected pairs are then multiplied out block by block, so
 * the change is dense.
 */
export const bulyanAggregator = createRulePlugin(bulyanRule, {
  name: "bulyan",
  summary: "Selects clients by Krum, then averages around the median of every coordinate; dense.",
  option: fraction.describe(
    "Clients presumed contaminated, in [0, 1/2): f = ⌊fraction · K⌋ of K clients in the round, or ⌊(K - 3)/4⌋ if that is " +
      "less, the most that Bulyan tolerates; the metric f of the round reports it.",
  ),
});
