import { UserError, type Aggregation, type Update } from "@fedclair/core";
import { checkAggregation, checkVerdicts, errorMessage, exitCodes } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { unlessAborted } from "@fedclair/runs";
import { z } from "zod";
import type { ChosenAggregator } from "./choose-aggregator.js";

/** What a server step hands on to the next one. `writeState` can store it. */
export type StepState = z.output<typeof stepStateSchema>;

export const stepStateSchema = z.strictObject({
  /** The name of the aggregator. */
  aggregator: z.string(),
  /** The number of steps so far. */
  round: z.int().min(1),
  /** The aggregator's own state. */
  state: z.unknown(),
});

export interface StepOptions {
  /** Seed of the aggregator's random numbers. */
  readonly seed: number;
  /** The state after the last step; absent before the first. */
  readonly before?: StepState | undefined;
  /** Stops waiting for the aggregator when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Called before the aggregator runs. */
  readonly onStart?: () => void;
}

/** The result of a server step. */
export interface StepResult {
  readonly aggregation: Aggregation;
  readonly state: StepState;
}

/**
 * Aggregates the updates of one round as a trial would in its phase `train`.
 * @throws UserError for a state of another aggregator or too few clients, with exit code 6 if the
 * aggregator fails
 */
export async function runServerStep(
  { choice: { name }, aggregator }: ChosenAggregator,
  updates: readonly Update[],
  { seed, before, signal, onStart }: StepOptions,
): Promise<StepResult> {
  checkOwner(name, before);
  const ids = updates.map(({ clientId }) => clientId);
  aggregator.checkClients?.(ids, ids.length);
  const round = (before?.round ?? 0) + 1;
  const rng = stream(seed).at("aggregate", "train", round);
  onStart?.();
  const running: Promise<unknown> = aggregator
    .aggregate({ round, phase: "train", updates, rng }, before?.state)
    .catch((error: unknown) => {
      if (error instanceof UserError) throw error;
      throw new UserError(`${name} failed: ${errorMessage(error)}`, exitCodes.stopped);
    });
  const result = await (signal ? unlessAborted(signal, running) : running);
  const aggregation = checkResult(name, result, ids);
  return {
    aggregation,
    state: { aggregator: name, round, state: aggregation.state ?? before?.state },
  };
}

/** @throws UserError if the state was returned by another aggregator */
function checkOwner(aggregator: string, state: StepState | undefined): void {
  if (state === undefined || state.aggregator === aggregator) return;
  throw new UserError(
    `the state belongs to aggregator '${state.aggregator}', not '${aggregator}': pass a state that this aggregator returned, or none`,
  );
}

function checkResult(name: string, result: unknown, ids: readonly string[]): Aggregation {
  try {
    checkAggregation(name, result, ids);
    checkVerdicts(`aggregator '${name}'`, result.verdicts ?? [], ids);
  } catch (error) {
    throw new UserError(errorMessage(error), exitCodes.stopped);
  }
  return result;
}
