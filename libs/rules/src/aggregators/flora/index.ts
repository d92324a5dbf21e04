import type { AggregatorPlugin } from "@fedclair/core";
import { fedavg } from "../fedavg/index.js";

/**
 * FLoRA (Wang et al., arXiv 2409.05976): stacks the factors, [B_1 … B_K]·[w_1·A_1; …; w_K·A_K], so
 * that ranks may differ. The stack is folded into the base and the adapters restart. A trial folds
 * every round's change into the params anyway, so FLoRA and FedAvg of products are the same rule
 * here. Both names exist because users know both.
 */
export const flora: AggregatorPlugin = {
  ...fedavg,
  name: "flora",
  summary: "Stacks LoRA factors of any rank and folds the stack into the params.",
  acceptsStale: false,
};
