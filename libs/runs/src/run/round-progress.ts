import type { ArmEvent } from "./run-trial.js";

/** What the current round of a trial is doing. */
export interface RoundProgress {
  readonly round: number;
  readonly doing: "training" | "aggregating" | "measuring";
  /** Clients of the cohort, and how many of them have answered. */
  readonly asked: number;
  readonly answered: number;
}

/** Follows the rounds of a trial. @param before undefined before the first round */
export function followRound(
  before: RoundProgress | undefined,
  event: ArmEvent["event"],
): RoundProgress | undefined {
  if (event.kind === "sampled") {
    const { round, cohort } = event;
    return { round, doing: "training", asked: cohort.length, answered: 0 };
  }
  if (!before) return undefined;
  if (event.kind === "aggregated") return { ...before, doing: "measuring" };
  // Clients answer again when they choose or measure.
  if (event.kind !== "answered" || before.doing !== "training") return before;
  const answered = before.answered + 1;
  return { ...before, answered, doing: answered === before.asked ? "aggregating" : "training" };
}
