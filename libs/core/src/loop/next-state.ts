import type { Asking } from "./asked-clients.js";
import type { Stepped } from "./run-step.js";
import type { ClosedRound } from "./close-cohort.js";
import type { Merged, TrialState } from "./trial-state.js";

/** Returns the state after a round. */
export function nextState(
  before: TrialState,
  { time }: Pick<Asking, "time">,
  { attacks, controls }: Pick<ClosedRound, "attacks" | "controls">,
  { aggregation, step, modStates }: Stepped,
  merged: Merged,
): TrialState {
  return {
    round: before.round + 1,
    params: merged.params,
    personal: merged.personal,
    ask: step.next ?? before.ask,
    task: step.state ?? before.task,
    aggregator: aggregation.state ?? before.aggregator,
    attacks,
    mods: modStates,
    ...(controls && { controls }),
    ...(before.own && { own: before.own }),
    ...(time && { clock: time.clock, pending: time.pending ?? [] }),
  };
}
