import {
  isLowRank,
  type Aggregation,
  type Delta,
  type TensorDelta,
  type AggregatorPlugin,
  type Tensor,
  type Update,
} from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { keepCommonForm, formatRanks } from "../common-form.js";
import { groupSenders, weightedSum } from "../mean.js";
import { weigh, weightingSchema, type WeightingOptions } from "../weights.js";

/**
 * FedSA-LoRA (Guo et al., arXiv 2410.01463): A holds general knowledge and is averaged, while B
 * stays on the client. Client k therefore changes by B_k·Ā, and a factored module has no global
 * change. Dense modules are averaged for everyone.
 */
export const fedsaLora: AggregatorPlugin = {
  name: "fedsa-lora",
  summary:
    "Averages the LoRA factors A and leaves every client its own B; all clients need the same rank.",
  schema: weightingSchema,
  create: (options: WeightingOptions) => ({
    changesPersonal: true,
    aggregate: ({ updates }) => shareA(updates, options),
  }),
};

/**
 * Averages A over the clients with the most common rank. The other clients keep their own change.
 * @throws UserError if no rank has a majority
 */
async function shareA(updates: readonly Update[], options: WeightingOptions): Promise<Aggregation> {
  const { admitted, ...verdicts } = keepCommonForm(updates, formatRanks);
  const odd = updates.filter((update) => !admitted.includes(update));
  const means = new Map<string, Tensor>();
  const everyones = new Map<string, TensorDelta>();
  const { weights, told } = weigh(admitted, options);
  const senders = groupSenders(admitted, weights);
  for (const [name, { dense, factored }] of senders) {
    if (dense.sent.length > 0) everyones.set(name, await weightedSum(dense.sent, dense.weights));
    if (factored.sent.length === 0) continue;
    const total = sum(factored.weights);
    const mean = await weightedSum(
      factored.sent.map(({ a }) => a),
      factored.weights.map((w) => w / total),
    );
    means.set(name, mean);
  }
  const change: Delta[] = everyones.size > 0 ? [everyones] : [];
  const personal = admitted.map(({ clientId, delta }): [string, Delta[]] => {
    const own = new Map<string, TensorDelta>();
    for (const [name, update] of delta) {
      const a = means.get(name);
      if (a !== undefined && isLowRank(update)) own.set(name, { b: update.b, a });
    }
    return [clientId, [own, ...change]];
  });
  const ownOnly = odd.map(({ clientId, delta }): [string, Delta[]] => [clientId, [delta]]);
  return { change, personal: new Map([...personal, ...ownOnly]), ...verdicts, ...told };
}
