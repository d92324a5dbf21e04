import { UserError, type AggregatorPlugin, type LowRank } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { keepCommonForm, formatRanks } from "../common-form.js";
import { groupSenders, sumSenders, weightedSum } from "../mean.js";
import { weigh, weightingSchema, type WeightingOptions } from "../weights.js";

/**
 * FedIT (Zhang et al., arXiv 2305.05644): averages the two LoRA factors separately, B̄ = Σ w_k·B_k
 * and Ā = Σ w_k·A_k. The product B̄·Ā differs from the mean of the products by a cross term. Dense
 * modules are averaged. Clients whose rank differs from that of the majority are ignored.
 */
export const fedit: AggregatorPlugin = {
  name: "fedit",
  summary: "Averages the LoRA factors B and A separately; all clients need the same rank.",
  schema: weightingSchema,
  create: (options: WeightingOptions) => ({
    aggregate: async ({ updates }) => {
      const { admitted, ...verdicts } = keepCommonForm(updates, formatRanks);
      const { weights, told } = weigh(admitted, options);
      const senders = groupSenders(admitted, weights);
      return { change: await sumSenders(senders, averageFactors), ...verdicts, ...told };
    },
  }),
};

/**
 * Computes (Σ w_k·B_k, Σ w_k·A_k). The weights of A are rescaled to sum to 1, so that the product
 * keeps the total weight of the clients that sent pairs and the clients that sent this module dense
 * keep their share.
 * @throws UserError if ranks differ
 */
async function averageFactors(
  pairs: readonly LowRank[],
  weights: readonly number[],
  module: string,
): Promise<LowRank> {
  const ranks = pairs.map(({ a }) => a.shape[0] ?? 0);
  const odd = ranks.find((rank) => rank !== ranks[0]);
  if (odd !== undefined) {
    throw new UserError(
      `fedit: module ${module} has LoRA ranks ${ranks[0] ?? 0} and ${odd}; factors can only be averaged at equal ` +
        "ranks: give all clients one rank, or use fedavg",
    );
  }
  const total = sum(weights);
  return {
    b: await weightedSum(
      pairs.map(({ b }) => b),
      weights,
    ),
    a: await weightedSum(
      pairs.map(({ a }) => a),
      weights.map((w) => w / total),
    ),
  };
}
