import type { ClientRecord, ErrorCode, Failure, Trial } from "@fedclair/core/internal";
import { listArms, notLost } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import { createMeasure, type Measure } from "./measure.js";
import { formatNumber } from "../words/numbers.js";
import { clientTruth } from "./truth.js";

/** The client's host or its connection failed. No attack causes these, so they always count. */
const hostFaults: ReadonlySet<ErrorCode> = new Set(["HOST_LOST", "LATE"]);

/**
 * Returns why the round lost this client: no usable answer to training, choosing or measuring
 * arrived.
 * Returns undefined if the client was not lost. A contaminated client is lost only by a fault of
 * its host, because its attack may cause any other failure. Clients whose training diverges to
 * numbers that are not finite, clients without client-side evaluation and clients that the trial
 * does not wait for are not lost either.
 */
export function findLoss(client: ClientRecord): Failure | undefined {
  const missing = findMissing(client);
  if (!missing || clientTruth(client) !== "contaminated") return missing;
  return hostFaults.has(missing.code) ? missing : undefined;
}

function findMissing(client: ClientRecord): Failure | undefined {
  const { failure, refinementFailure, evaluationFailure } = client;
  const missing =
    failure ??
    refinementFailure ??
    (evaluationFailure?.code === "NO_EVALUATION" ? null : evaluationFailure);
  return missing && !notLost.has(missing.code) && missing.code !== "NON_FINITE"
    ? missing
    : undefined;
}

/** Counts an arm's lost answers while rounds come in. */
export class LossTally {
  readonly #all = { lost: 0, asked: 0 };
  readonly #contaminated = { lost: 0, asked: 0 };

  add(clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      const tallies =
        clientTruth(client) === "contaminated" ? [this.#all, this.#contaminated] : [this.#all];
      for (const tally of tallies) {
        tally.asked++;
        if (findLoss(client)) tally.lost++;
      }
    }
  }

  /**
   * Measures the losses of all clients, and those of the contaminated ones if some were asked.
   * @param arm absent for the main arm
   */
  measures(arm?: string): Measure[] {
    const measure = (metric: string, { lost, asked }: { lost: number; asked: number }) =>
      createMeasure({
        scope: "lost",
        metric,
        ...(arm !== undefined && { arm }),
        value: lost,
        n: asked,
        better: "lower",
        unit: "client-rounds",
      });
    return [
      measure("lost", this.#all),
      ...(this.#contaminated.asked > 0 ? [measure("lostContaminated", this.#contaminated)] : []),
    ];
  }
}

/** The losses of a run by arm, and over all arms. */
export interface Losses {
  /** One measure per arm. */
  readonly arms: readonly Measure[];
  readonly lost: number;
  readonly asked: number;
  /** How many of the lost answers were those of contaminated clients. */
  readonly contaminated: number;
}

/** Adds up the losses in a summary. */
export function totalLosses({ details }: { readonly details: readonly Measure[] }): Losses {
  const losses = details.filter(({ scope }) => scope === "lost");
  const arms = losses.filter(({ metric }) => metric === "lost");
  const contaminated = losses.filter(({ metric }) => metric === "lostContaminated");
  return {
    arms,
    lost: sum(arms.map(({ value }) => value)),
    asked: sum(arms.map(({ n = 0 }) => n)),
    contaminated: sum(contaminated.map(({ value }) => value)),
  };
}

/**
 * Formats losses over all arms, like `3 of 8 client rounds were lost, 1 of a contaminated client`.
 */
export function lossText({ lost, asked, contaminated }: Losses): string {
  const among =
    contaminated === 0
      ? ""
      : `, ${formatNumber(contaminated)} of ${contaminated === 1 ? "a contaminated client" : "contaminated clients"}`;
  return `${formatNumber(lost)} of ${formatNumber(asked)} client rounds were lost${among}`;
}

/**
 * Explains by how much a run's losses exceed the limit of its trial. Returns undefined if they do
 * not.
 */
export function explainExcessLoss(
  trial: Trial,
  summary: { readonly details: readonly Measure[] },
): string | undefined {
  const { maxLost } = trial.limits;
  const [main] = listArms(trial);
  const losses = totalLosses(summary);
  if (losses.lost <= maxLost) return undefined;
  const each = losses.arms
    .filter(({ value }) => value > 0)
    .map(({ arm = main.label, value }) => `${formatNumber(value)} in ${arm}`);
  return (
    `${lossText(losses)} (${each.join(", ")}), ` +
    `limits.maxLost = ${maxLost}; their codes are in the report and in records.jsonl: ` +
    "keep hosts and clients connected, or raise limits.maxLost"
  );
}
