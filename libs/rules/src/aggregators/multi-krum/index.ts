import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { aggregateByKrum } from "../krum/index.js";
import { fraction } from "../robust/contaminated.js";

const schema = z.strictObject({ fraction });

/**
 * Multi-Krum (Blanchard et al., NeurIPS 2017): the unweighted mean of the K - f clients with the
 * best Krum scores, which are computed once. Low-rank pairs stay pairs.
 */
export const multiKrumAggregator: AggregatorPlugin = {
  name: "multi-krum",
  summary: "The mean of the clients that are closest to their neighbours.",
  acceptsStale: true,
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    aggregate: ({ updates }) => aggregateByKrum(updates, fraction, (count, f) => count - f),
  }),
};
