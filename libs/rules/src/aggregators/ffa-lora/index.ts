import { createHash } from "node:crypto";
import {
  dtypeOf,
  readNumbers,
  isLowRank,
  UserError,
  type LowRank,
  type AggregatorPlugin,
  type Update,
} from "@fedclair/core";
import { areEqual } from "@fedclair/linalg";
import { keepCommonForm } from "../common-form.js";
import { groupSenders, sumSenders, weightedSum } from "../mean.js";
import { weigh, weightingSchema, type WeightingOptions } from "../weights.js";

/**
 * FFA-LoRA (Sun et al., arXiv 2403.12313): A is frozen at a common initialisation, so the mean Σ
 * w_k·B_k of the other factor gives the mean of the products at unchanged rank. Dense modules are
 * averaged. Clients whose A differs from that of the majority are ignored.
 */
export const ffaLora: AggregatorPlugin = {
  name: "ffa-lora",
  summary: "Averages the LoRA factors B of clients that share one frozen A.",
  schema: weightingSchema,
  create: (options: WeightingOptions) => ({
    aggregate: async ({ updates }) => {
      const { admitted, ...verdicts } = keepCommonForm(updates, hashFrozenFactors);
      const { weights, told } = weigh(admitted, options);
      const senders = groupSenders(admitted, weights);
      return { change: await sumSenders(senders, averageB), ...verdicts, ...told };
    },
  }),
};

/** A fingerprint of the factors A of all pairs. */
function hashFrozenFactors({ delta }: Update): string {
  const hash = createHash("sha256");
  for (const module of delta.values()) {
    if (!isLowRank(module)) continue;
    const data = readNumbers(module.a);
    hash.update(`${dtypeOf(module.a)} ${module.a.shape.join()} `);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/**
 * Computes (Σ w_k·B_k, A).
 * @throws UserError if the clients' A differ, which means that A is not frozen
 */
async function averageB(
  pairs: readonly LowRank[],
  weights: readonly number[],
  module: string,
): Promise<LowRank> {
  const frozen = pairs[0]?.a ?? { shape: [0, 0], data: new Float64Array(0) };
  if (pairs.some(({ a }) => !areEqual(readNumbers(a), readNumbers(frozen)))) {
    throw new UserError(
      `ffa-lora: the clients' factors A of module ${module} differ, but this method needs one A that ` +
        "nobody trains: freeze A in the task, or use fedavg",
    );
  }
  return {
    b: await weightedSum(
      pairs.map(({ b }) => b),
      weights,
    ),
    a: frozen,
  };
}
