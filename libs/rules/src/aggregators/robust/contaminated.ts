import { z } from "zod";

/** The share of clients that a rule has to withstand; every rule with Krum's f has this option. */
export const fraction = z
  .number()
  .min(0)
  .lt(0.5)
  .default(0.2)
  .describe("Clients presumed contaminated, in [0, 1/2): f = ⌊fraction · clients of the round⌋.");

/** Computes f for a round with this number of clients. */
export function countPresumedContaminated(share: number, clients: number): number {
  // 0.3 · 10 is 2.9999999999999996 in some orders of multiplication.
  return Math.floor(share * clients + 1e-9);
}
