import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { fraction, countPresumedContaminated } from "../robust/contaminated.js";
import { createMeanNearMedian } from "../robust/coordinates.js";
import { gramOf, squaredDistances } from "../robust/gram.js";
import { maxBulyanF, selectByBulyan } from "./selection.js";
import { sortById, groupByModule, aggregateCoordinates } from "../robust/modules.js";

const schema = z.strictObject({
  fraction: fraction.describe(
    "Clients presumed contaminated, in [0, 1/2): f = ⌊fraction · K⌋ of K clients in the round, or ⌊(K - 3)/4⌋ if that is " +
      "less, the most that Bulyan tolerates; the metric f of the round reports it.",
  ),
});

/**
 * Bulyan (El Mhamdi et al., arXiv 1802.07927): Krum selects θ = K - 2f clients one after another.
 * Each coordinate of the result is the unweighted mean of the θ - 2f values closest to the median.
 * Selection works on low-rank pairs. The selected pairs are then multiplied out block by block, so
 * the change is dense.
 */
export const bulyanAggregator: AggregatorPlugin = {
  name: "bulyan",
  summary: "Selects clients by Krum, then averages around the median of every coordinate; dense.",
  acceptsStale: true,
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    aggregate: async (input) => {
      // With a single neighbour, two mutual neighbours always tie, as in Bulyan's last selections.
      const updates = sortById(input.updates);
      const count = updates.length;
      const f = Math.min(countPresumedContaminated(fraction, count), maxBulyanF(count));
      const gram = await gramOf([...groupByModule(updates).values()]);
      const selected = new Set(await selectByBulyan(squaredDistances(gram), f));
      const chosen = updates.filter((_, k) => selected.has(k));
      const rule = createMeanNearMedian(chosen.length - 2 * f);
      return { change: await aggregateCoordinates(chosen, rule), metrics: { f } };
    },
  }),
};
