import { z } from "zod";

/**
 * The option μ of FedProx (Li et al., arXiv 1812.06127): a client minimises its loss + (μ/2)·|w -
 * w_t|², where w_t are the params that it received.
 */
export const proximal = z
  .number()
  .min(0)
  .default(0)
  .describe(
    "μ of FedProx: a client's loss grows by μ/2 times the squared distance from the params that it received; 0 is FedAvg",
  );
