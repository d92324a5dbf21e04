import type { Verdict } from "./contracts.js";

/** Does the client's update count among the benign ones? So does that of a client where nothing can be said of anybody. */
export function isPooled({ status, threshold }: Pick<Verdict, "status" | "threshold">): boolean {
  return status === "benign" || (status === "undecided" && threshold === null);
}

/** The verdict on a client whose numbers cannot be computed with. */
export function invalid(clientId: string): Verdict {
  return { clientId, status: "invalid", score: null, threshold: null };
}
