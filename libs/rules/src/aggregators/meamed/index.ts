import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import { createMeanNearMedian } from "../robust/coordinates.js";
import { Mixture } from "../robust/mixture.js";

const schema = z.strictObject({ fraction });

/**
 * The mean around the median (Meamed, Xie et al., arXiv 1802.10116): of every coordinate, the
 * unweighted mean of the K - f values closest to the median. Low-rank pairs are multiplied out
 * block by block, and the change is dense.
 */
export const meamedAggregator: AggregatorPlugin = {
  name: "meamed",
  summary: "The mean of every coordinate's values closest to the median; dense (Meamed).",
  acceptsStale: true,
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    aggregate: async ({ updates }) => {
      const mixture = Mixture.of(updates);
      const f = countPresumedContaminated(fraction, mixture.count);
      const change = await mixture.reduce(createMeanNearMedian(mixture.count - f));
      return { change, metrics: { f } };
    },
  }),
};
