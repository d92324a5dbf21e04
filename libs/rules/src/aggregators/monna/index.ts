import type { Aggregation, AggregatorPlugin } from "@fedclair/core";
import { at } from "@fedclair/linalg";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import { meanWeights, type Mixture } from "../robust/mixture.js";
import { createRootAggregator, root } from "../robust/root.js";
import { createVerdicts } from "../robust/rule.js";
import { findNearest } from "./nearest.js";

const schema = z.strictObject({ fraction, root });

/**
 * MoNNA's aggregation (Farhadkhani et al., ICML 2023, arXiv 2209.10931): the unweighted mean of the
 * K - f changes nearest to the one of a trusted client, itself included. In the paper every worker
 * trusts itself; here the trusted client is one that the operator runs, as for `fltrust`. Low-rank
 * pairs stay pairs.
 */
export const monnaAggregator: AggregatorPlugin = {
  name: "monna",
  summary: "The mean of the clients that are nearest to a trusted one (MoNNA).",
  schema,
  create: ({ fraction, root }: z.infer<typeof schema>) => {
    const presume = (count: number) => countPresumedContaminated(fraction, count);
    return createRootAggregator(
      root,
      (mixture, root) => averageNearest(mixture, root, presume(mixture.count)),
      (count) => ({ f: presume(count) }),
    );
  },
};

async function averageNearest(mixture: Mixture, root: number, f: number): Promise<Aggregation> {
  const { nearest, distances } = await findNearest(await mixture.points(), root, mixture.count - f);
  const threshold = Math.max(...nearest.map((k) => at(distances, k)));
  const change = await mixture.combine(meanWeights(mixture.count, nearest));
  return {
    change,
    verdicts: createVerdicts(mixture.updates, distances, threshold),
    metrics: { f },
  };
}
