import { clientIndex } from "./clients.js";
import type { ModuleDistance, Verdict, VerdictStatus } from "./aggregator.js";
import { checkJson } from "./artifacts.js";
import { describeValue } from "../words/describe-value.js";
import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

/** The values of `pooled` that each status allows. */
const allowedPooled: Readonly<Record<VerdictStatus, readonly boolean[]>> = {
  benign: [true],
  undecided: [true, false],
  contaminated: [false],
  inactive: [false],
  invalid: [false],
};

/** The largest size of a verdict, reason and evidence included, in characters as JSON. */
const maxLength = 64 * 1024;

/**
 * Checks the verdicts of a plug-in, because records and reports rely on their form.
 * @param whose the plug-in, for messages: `aggregator 'mean'`
 * @param clientIds all clients of the trial
 * @throws UserError naming the first verdict that is malformed, or whose client is unknown or has
 *   another verdict
 */
export function checkVerdicts(
  whose: string,
  verdicts: readonly Verdict[],
  clientIds: readonly string[],
): void {
  const judged = new Set<unknown>();
  // A plug-in in JavaScript can return anything.
  for (const [i, verdict] of verdicts.entries()) {
    if (typeof verdict !== "object" || (verdict as unknown) === null)
      throw new UserError(
        `${whose}: verdict ${i}: expected { clientId, status, … }, got ${describeValue(verdict)}`,
      );
    const { clientId }: { readonly clientId: unknown } = verdict;
    const of = `${whose}: verdict of ${excerpt(String(clientId))}`;
    if (typeof clientId !== "string" || clientIndex(clientIds, clientId) < 0)
      throw new UserError(`${of}: the trial has no such client`);
    if (judged.has(clientId)) throw new UserError(`${of}: expected one verdict, got a second one`);
    judged.add(clientId);
    const fault = findFault(verdict);
    if (fault !== undefined) throw new UserError(`${of}: ${fault}`);
    checkJson(of, verdict, maxLength);
  }
}

function findFault(verdict: Verdict): string | undefined {
  const {
    status,
    pooled,
    score,
    threshold,
    modules = [],
  }: { readonly [K in keyof Verdict]: unknown } = verdict;
  if (typeof status !== "string" || !Object.hasOwn(allowedPooled, status))
    return `status: expected one of ${Object.keys(allowedPooled).join(", ")}, got ${excerpt(String(status))}`;
  const allowed = allowedPooled[status as VerdictStatus];
  if (!allowed.includes(pooled as boolean))
    return `pooled: expected ${allowed.join(" or ")} for a client that is ${status}, got ${excerpt(String(pooled))}`;
  for (const [name, value] of Object.entries({ score, threshold })) {
    if (!isNumberOrNull(value))
      return `${name}: expected a finite number or null, got ${excerpt(String(value))}`;
  }
  if (!Array.isArray(modules))
    return `modules: expected a list of { module, ratio }, got ${describeValue(modules)}`;
  const odd = modules.findIndex((one) => !isModuleDistance(one));
  return odd < 0
    ? undefined
    : `modules: expected { module, ratio } with a name and a number of at least 0, got ${describeValue(modules[odd])}`;
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || Number.isFinite(value);
}

function isModuleDistance(value: unknown): boolean {
  const { module, ratio } = (value ?? {}) as { readonly [K in keyof ModuleDistance]?: unknown };
  return typeof module === "string" && typeof ratio === "number" && ratio >= 0;
}

/** Creates the verdict of an aggregator that leaves no client undecided. */
export function binaryVerdict(
  clientId: string,
  isFlagged: boolean,
  score: number,
  threshold: number | null,
): Verdict {
  const status = isFlagged ? "contaminated" : "benign";
  return { clientId, status, pooled: !isFlagged, score, threshold };
}

/** Creates the verdict on a client whose numbers are unusable. */
export function invalidVerdict(clientId: string): Verdict {
  return { clientId, status: "invalid", pooled: false, score: null, threshold: null };
}
