import type { ClientRecord, ErrorCode, Failure, Trial } from "@fedclair/core/internal";
import { listArms } from "@fedclair/core/internal";
import { named, type Measure } from "./measure.js";
import { formatNumber } from "./numbers.js";
import { measuringClients, clientTruth } from "./truth.js";

/** An answer came, and what was in it could not be taken: the client is refused, not lost. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  "MALFORMED",
  "WRONG_MODULES",
  "WRONG_SHAPE",
  "NON_FINITE",
]);

/**
 * Why the round lost this client, if it did: no answer of it came, to training or to measuring. Of a contaminated client
 * that is the attack's doing, and no loss. Nor is one that has nothing to measure with, for its task may have no measurements, nor one that a schedule gives up.
 */
export function countLosses(client: ClientRecord): Failure | undefined {
  if (clientTruth(client) === "contaminated") return undefined;
  const { failure, evaluationFailure } = client;
  const missing =
    failure ?? (evaluationFailure?.code === "NO_EVALUATION" ? null : evaluationFailure);
  return missing && missing.code !== "STRAGGLER" && !refusals.has(missing.code)
    ? missing
    : undefined;
}

/** Counts a method's lost answers while rounds come in. */
export class LossTally {
  #lost = 0;
  #asked = 0;

  add(clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      if (clientTruth(client) !== "contaminated") this.#asked++;
      if (countLosses(client)) this.#lost++;
    }
  }

  /** @param arm absent of the method under study */
  measure(arm?: string): Measure {
    return named({
      ...{ scope: "lost", metric: "lost", ...(arm !== undefined && { arm }) },
      ...{ value: this.#lost, n: this.#asked, better: "lower", unit: "client-rounds" },
    });
  }
}

/** What a run lost beyond what its trial allows, in words; undefined if it did not. */
export function excessLoss(
  trial: Trial,
  { details, truth }: { readonly details: readonly Measure[]; readonly truth?: "unknown" },
): string | undefined {
  const { maxLost } = trial.limits;
  const [main] = listArms(trial);
  const losses = details.filter(({ scope }) => scope === "lost");
  let lost = 0;
  let asked = 0;
  for (const { value, n = 0 } of losses) {
    lost += value;
    asked += n;
  }
  if (lost <= maxLost) return undefined;
  const each = losses
    .filter(({ value }) => value > 0)
    .map(({ arm = main.label, value }) => `${formatNumber(value)} of ${arm}`);
  return (
    `${formatNumber(lost)} of ${formatNumber(asked)} rounds of ${measuringClients({ truth })} were lost (${each.join(", ")}), ` +
    `limits.maxLost = ${maxLost}; their codes are in the report and in records.jsonl: ` +
    "see that hosts and clients stay, or raise limits.maxLost"
  );
}
