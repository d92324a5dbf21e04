import { createHash } from "node:crypto";
import { deltaShape, readNumbers, tensorsOf, type Aggregation, type Update } from "@fedclair/core";

/**
 * Finds clients whose change has the numbers of another.
 * @returns the first client that sent the change, by copy
 */
export function findCopies(updates: readonly Update[]): Map<string, string> {
  const copies = new Map<string, string>();
  const firsts = new Map<string, string>();
  for (const { clientId, delta } of updates) {
    const digest = createHash("sha256");
    for (const [module, change] of delta) {
      digest.update(JSON.stringify([module, deltaShape(change)]));
      for (const tensor of tensorsOf(change)) digest.update(readNumbers(tensor));
    }
    const key = digest.digest("hex");
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, clientId);
    else copies.set(clientId, first);
  }
  return copies;
}

/** Gives copies the verdict and the adapter of the client whose change they are. */
export function addCopies(
  aggregation: Aggregation,
  copies: ReadonlyMap<string, string>,
): Aggregation {
  const { verdicts, personal } = aggregation;
  const whole = new Map(personal);
  const all = [...(verdicts ?? [])];
  for (const [clientId, first] of copies) {
    const verdict = verdicts?.find((one) => one.clientId === first);
    if (verdict) all.push({ ...verdict, clientId, reason: `the same numbers as ${first}` });
    const own = personal?.get(first);
    if (own) whole.set(clientId, own);
  }
  return {
    ...aggregation,
    ...(verdicts && { verdicts: all }),
    ...(personal && { personal: whole }),
  };
}
