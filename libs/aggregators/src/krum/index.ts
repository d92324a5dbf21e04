import type { AggregatorPlugin } from "@fedclair/core";
import { z } from "zod";
import { fraction } from "../robust/contaminated.js";
import { aggregateByKrum } from "../robust/krum-round.js";

const schema = z.strictObject({ fraction });

/**
 * Krum (Blanchard et al., NeurIPS 2017): the change of the one client whose K - f - 2 nearest neighbours are closest. Low-rank
 * pairs stay pairs.
 */
export const krumAggregator: AggregatorPlugin = {
  name: "krum",
  summary: "The change of the one client that is closest to its neighbours.",
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    aggregate: ({ updates }) => aggregateByKrum(updates, fraction, () => 1),
  }),
};
