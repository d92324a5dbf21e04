import type { Verdict } from "./contracts.js";

/** Does the client's update count among the benign ones? So does that of a client of which nothing can be said. */
export function isPooled({ status }: Pick<Verdict, "status">): boolean {
  return status === "benign" || status === "undecided";
}

/** The verdict on a client whose numbers cannot be computed with. */
export function invalid(clientId: string): Verdict {
  return { clientId, status: "invalid", score: null, threshold: null };
}
