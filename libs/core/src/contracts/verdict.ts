import { clientIndex } from "./clients.js";
import type { Verdict, VerdictStatus } from "./aggregator.js";
import { checkJson } from "./artifacts.js";
import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

const statuses: Readonly<Record<VerdictStatus, true>> = {
  ...{ benign: true, contaminated: true, undecided: true, inactive: true, invalid: true },
};

/** Characters of a verdict as JSON, reason and evidence included. */
const maxLength = 64 * 1024;

/**
 * Of verdicts that a plug-in made: records and reports rely on their form.
 * @param clientIds of the trial
 * @throws UserError naming the first that is none, or of nobody
 */
export function checkVerdicts(verdicts: readonly Verdict[], clientIds: readonly string[]): void {
  const isNumber = (x: unknown) => x === null || (typeof x === "number" && Number.isFinite(x));
  // A plug-in in JavaScript can return anything.
  for (const verdict of verdicts) {
    const { clientId, status, score, threshold }: { readonly [K in keyof Verdict]: unknown } =
      verdict;
    const of = `verdict of ${excerpt(String(clientId))}`;
    if (typeof clientId !== "string" || clientIndex(clientIds, clientId) < 0)
      throw new UserError(`${of}: the trial has no such client`);
    if (typeof status !== "string" || !Object.hasOwn(statuses, status)) {
      const names = Object.keys(statuses).join(", ");
      throw new UserError(
        `${of}: status: expected one of ${names}, got ${excerpt(String(status))}`,
      );
    }
    for (const [name, value] of Object.entries({ score, threshold })) {
      if (isNumber(value)) continue;
      const got = excerpt(String(value));
      throw new UserError(`${of}: ${name}: expected a finite number or null, got ${got}`);
    }
    checkJson(of, verdict, maxLength);
  }
}

/** Does the client's update count among the benign ones? So does that of a client where nothing can be said of anybody. */
export function isPooled({ status, threshold }: Pick<Verdict, "status" | "threshold">): boolean {
  return status === "benign" || (status === "undecided" && threshold === null);
}

/** The verdict on a client whose numbers cannot be computed with. */
export function invalidVerdict(clientId: string): Verdict {
  return { clientId, status: "invalid", score: null, threshold: null };
}
