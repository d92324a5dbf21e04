import type { ClientRecord, ErrorCode, Failure, Trial } from "@fedclair/core/internal";
import { listArms } from "@fedclair/core/internal";
import { createMeasure, type Measure } from "./measure.js";
import { formatNumber } from "./numbers.js";
import { measuringClients, clientTruth } from "./truth.js";

/** The answer arrived but its content is unusable. Its client counts as rejected, not as lost. */
const rejections: ReadonlySet<ErrorCode> = new Set([
  "MALFORMED",
  "WRONG_MODULES",
  "WRONG_SHAPE",
  "NON_FINITE",
]);

/**
 * Returns why the round lost this client: its answer to training, choosing or measuring never
 * arrived.
 * Returns undefined if the client was not lost. A contaminated client is never lost, because its
 * attack may cause the failure. Clients without client-side evaluation and clients that a schedule
 * gives up are not lost either.
 */
export function findLoss(client: ClientRecord): Failure | undefined {
  if (clientTruth(client) === "contaminated") return undefined;
  const { failure, refinementFailure, evaluationFailure } = client;
  const missing =
    failure ??
    refinementFailure ??
    (evaluationFailure?.code === "NO_EVALUATION" ? null : evaluationFailure);
  return missing && missing.code !== "STRAGGLER" && !rejections.has(missing.code)
    ? missing
    : undefined;
}

/** Counts an arm's lost answers while rounds come in. */
export class LossTally {
  #lost = 0;
  #asked = 0;

  add(clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      if (clientTruth(client) !== "contaminated") this.#asked++;
      if (findLoss(client)) this.#lost++;
    }
  }

  /** @param arm absent for the main arm */
  measure(arm?: string): Measure {
    return createMeasure({
      scope: "lost",
      metric: "lost",
      ...(arm !== undefined && { arm }),
      value: this.#lost,
      n: this.#asked,
      better: "lower",
      unit: "client-rounds",
    });
  }
}

/**
 * Explains by how much a run's losses exceed the limit of its trial. Returns undefined if they do
 * not.
 */
export function explainExcessLoss(
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
    "keep hosts and clients connected, or raise limits.maxLost"
  );
}
