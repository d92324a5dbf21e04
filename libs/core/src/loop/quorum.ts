import { exitCodes, notLost, UserError } from "../words/errors.js";
import type { Trained } from "./record.js";

/** The largest number of reasons that the error lists. */
const mostListed = 5;

/**
 * Checks that enough updates were admitted. Clients that the trial does not wait for do not count.
 * @param quorum the fraction of the asked clients that must be admitted (`limits.quorum`)
 * @throws UserError (exit code 3) with the first failures
 */
export function requireQuorum({ updates, failures }: Trained, quorum: number, round: number): void {
  const lost = [...failures].filter(([, { code }]) => !notLost.has(code));
  const asked = updates.length + lost.length;
  const needed = Math.ceil(quorum * asked);
  if (updates.length >= needed) return;
  const clients = new Map<string, string[]>();
  for (const [id, { code, message }] of lost) {
    const reason = `${code} (${message})`;
    const same = clients.get(reason);
    if (same) same.push(id);
    else clients.set(reason, [id]);
  }
  const listed = [...clients].slice(0, mostListed);
  const reasons = listed.map(([reason, [first, ...others]]) => {
    return `${first}: ${reason}${others.length > 0 ? `, and the same from ${others.length} more` : ""}`;
  });
  const rest = listed.reduce((left, [, ids]) => left - ids.length, lost.length);
  if (rest > 0) reasons.push(`and ${rest} more`);
  if (lost.length > 0 && lost.every(([, { code }]) => code === "NON_FINITE"))
    reasons.push(
      "numbers that overflow come from training that diverges: try a smaller learning rate",
    );
  throw new UserError(
    `round ${round}: ${updates.length} of ${asked} clients were admitted, ` +
      `limits.quorum = ${quorum} needs ${needed}\n  ${reasons.join("\n  ")}`,
    exitCodes.quorum,
  );
}
