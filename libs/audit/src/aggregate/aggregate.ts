import { invalidVerdict, type Update, type Verdict } from "@fedclair/core";
import { admitUpdates } from "./admit-updates.js";
import { chooseAggregator, type AggregatorRequest } from "./choose-aggregator.js";
import { noticeOwner } from "./owner-notice.js";
import { noticeRefining } from "./refining-notice.js";
import { runServerStep, type StepResult, type StepState } from "./run-step.js";

export interface AggregateOptions extends AggregatorRequest {
  /** Seed of the aggregator's random numbers; default: 1. */
  readonly seed?: number;
  /** The state that the step before returned; absent in the first round. */
  readonly state?: StepState | undefined;
}

/** The result of a server step on updates. */
export interface AggregateResult extends StepResult {
  /** The aggregator's verdicts, and `invalid` for each update that was left out. */
  readonly verdicts: readonly Verdict[];
  /** What may surprise about the result; absent if there is nothing to say. */
  readonly notice?: string;
}

/**
 * Runs one server step: aggregates the updates of a round as a trial would. An update with other
 * modules or shapes than most, or with numbers that are not finite, is left out. CLAIR's option
 * `models` is global by default.
 * @throws UserError for an unknown aggregator or option, a state of another aggregator, or if no
 * update can be aggregated
 */
export async function aggregate(
  sent: readonly Update[],
  { seed = 1, state, ...request }: AggregateOptions,
): Promise<AggregateResult> {
  const chosen = await chooseAggregator(request);
  const { updates, faults } = admitUpdates(sent);
  const step = await runServerStep(chosen, updates, { seed, before: state });
  const invalid = [...faults].map(([id, reason]) => ({ ...invalidVerdict(id), reason }));
  const { verdicts = [], notice } = step.aggregation;
  const notices = [noticeRefining, noticeOwner].map((say) => say(updates, step.aggregation));
  const said = [notice, ...notices].filter((one) => one !== undefined);
  return {
    ...step,
    verdicts: [...verdicts, ...invalid],
    ...(said.length > 0 && { notice: said.join("; ") }),
  };
}
