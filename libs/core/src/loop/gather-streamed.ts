import { failure, type Failure } from "../words/errors.js";
import { askToTrain, type Asked, type GatheringCode } from "./ask-clients.js";
import type { Answered } from "./collect.js";
import type { ClosedRound } from "./close-cohort.js";
import { summarizeAnswers, type UpdateSummary } from "./record.js";
import type { RoundPlan } from "./round-plan.js";
import type { OpenStream } from "./run-step.js";
import type { TrialState } from "./trial-state.js";

/**
 * The number of clients that a streamed round asks together. At most two such windows are in
 * memory: 64 MB for logistic regression on MNIST. Hosts are idle for a moment at the end of each.
 */
export const windowSize = 1024;

/**
 * Is a round aggregated in parts? This depends on the trial only, because the last bits of a sum
 * depend on the answer.
 */
export function isStreamed(plan: RoundPlan, cohort: readonly string[]): boolean {
  const { aggregator, task, mods, contamination, devices, scaffold, method } = plan;
  const needsCohort =
    scaffold === true ||
    method !== undefined ||
    devices !== undefined ||
    task.step !== undefined ||
    mods.some(({ mod }) => mod.server !== undefined) ||
    [...contamination.values()].some(({ attack }) => attack.attackRound !== undefined);
  return cohort.length > windowSize && aggregator.stream !== undefined && !needsCohort;
}

/**
 * Lets a cohort train in a random order, window by window, and passes each window to the aggregator
 * while the next one trains. After a fault of the aggregator no other client is asked; the others
 * fail with TRIAL_ENDED.
 */
export async function* gatherStreamed(
  plan: RoundPlan,
  state: TrialState,
  asked: Asked,
  cohort: readonly string[],
  server: GatheringCode,
): AsyncGenerator<Answered, ClosedRound> {
  const { round, phase } = asked;
  const order = plan.rng.at("dispatch", phase, round).sample(cohort);
  const updates: UpdateSummary[] = [];
  const failures = new Map<string, Failure>();
  const faults: unknown[] = [];
  const watch = (adding: Promise<OpenStream>) => {
    adding.catch((error: unknown) => faults.push(error)); // thrown by `aggregate`
    return adding;
  };
  let added = watch(server.openStream(plan, state, { round, phase }));
  let from = 0;
  while (from < order.length && faults.length === 0) {
    const window = order.slice(from, (from += windowSize));
    const collected = yield* askToTrain(plan, state, asked, window, server);
    updates.push(...summarizeAnswers(collected).updates);
    for (const [id, failure] of collected.failures) failures.set(id, failure);
    await added.catch(() => undefined);
    added = watch(
      added.then(async (stream) => {
        if (collected.updates.length > 0) await stream.add(collected.updates);
        return stream;
      }),
    );
  }
  const unasked = failure("TRIAL_ENDED", "not asked: the arm ended before");
  for (const id of order.slice(from)) failures.set(id, unasked);
  return {
    trained: { updates, failures },
    attacks: state.attacks, // an omniscient attack needs all updates at once
    aggregate: async () => (await added).finish(),
  };
}
