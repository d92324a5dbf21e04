import { binaryVerdict, type AggregatorPlugin, type Verdict } from "@fedclair/core";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import { squaredDistances } from "../robust/gram.js";
import { meanWeights, Mixture } from "../robust/mixture.js";
import { requireMdaF, selectSmallest } from "./selection.js";

const schema = z.strictObject({ fraction });

/**
 * Minimum-diameter averaging (MDA, El Mhamdi et al., ICML 2018, arXiv 1802.07927, as Brute): the
 * unweighted mean of the K - f changes whose largest distance from one another is smallest. A
 * client is flagged if it is further from one of them than they are from one another. Low-rank
 * pairs stay pairs.
 */
export const mdaAggregator: AggregatorPlugin = {
  name: "mda",
  summary: "The mean of the clients whose changes lie in the smallest diameter (MDA).",
  acceptsStale: true,
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    checkClients: (_, cohort) => {
      requireMdaF(countPresumedContaminated(fraction, cohort));
    },
    aggregate: async ({ updates }) => {
      const mixture = Mixture.of(updates);
      const f = countPresumedContaminated(fraction, mixture.count);
      const squared = squaredDistances(await mixture.gram());
      const { selected, squaredDiameter } = selectSmallest(squared, f);
      const threshold = Math.sqrt(squaredDiameter);
      const verdicts = mixture.updates.map(({ clientId }, k): Verdict => {
        const score = Math.sqrt(Math.max(...selected.map((i) => squared.get(i, k))));
        return binaryVerdict(clientId, score > threshold, score, threshold);
      });
      const change = await mixture.combine(meanWeights(mixture.count, selected));
      return { change, verdicts, metrics: { f } };
    },
  }),
};
