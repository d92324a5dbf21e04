import { z } from "zod";

/** How many clients a rule must stand, as every rule with Krum's f has it. */
export const fraction = z
  .number()
  .min(0)
  .lt(0.5)
  .default(0.2)
  .describe("Clients presumed contaminated, in [0, 1/2): f = ⌊fraction · clients of the round⌋.");

/** f of a round of so many clients. */
export function countPresumedContaminated(share: number, clients: number): number {
  // 0.3 · 10 is 2.9999999999999996 in some orders of multiplication.
  return Math.floor(share * clients + 1e-9);
}
