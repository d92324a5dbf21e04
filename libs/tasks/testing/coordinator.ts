import type { Aggregation, Params, Round, Start, Step, Task, Update } from "@fedclair/core";
import { stream, type Stream } from "@fedclair/linalg";

/** Starts the coordinator half of a task. A survey asks as many clients as there are ids. */
export function start(task: Task, rng: Stream, clientIds: readonly string[] = []): Promise<Start> {
  return task.start({ clientIds, rng, survey: () => survey(task, rng, clientIds) });
}

async function* survey(task: Task, rng: Stream, clientIds: readonly string[]) {
  for (const [index, clientId] of clientIds.entries()) {
    const trainer = await task.openShard({ index, count: clientIds.length, rng });
    const answer = await trainer.survey?.();
    if (answer) yield { ...answer, clientId };
  }
}

/** Returns the params from which all clients start. */
export async function startOf(
  task: Task,
  rng: Stream,
  clientIds?: readonly string[],
): Promise<Params> {
  const { params } = await start(task, rng, clientIds);
  if (params === "client") throw new Error("only a client knows the params");
  return params;
}

/** Builds a round with these updates. */
export function roundOf(changes: Partial<Round> & Pick<Round, "updates">): Round {
  const rng = stream(1);
  const clientIds = changes.updates.map(({ clientId }) => clientId);
  return {
    round: 1,
    phase: "train",
    clientIds,
    params: new Map(),
    state: undefined,
    rng,
    fixedRng: rng,
    ...changes,
  };
}

/** The result of one step in a test. */
export interface TaskStep {
  readonly step: Step;
  /** The updates that the aggregator received; undefined if the task did not call it. */
  readonly shown: readonly Update[] | undefined;
}

/**
 * Runs a task's step with an aggregator that returns `aggregation`, or the result of calling it on
 * the updates.
 */
export async function stepOf(
  task: Task,
  round: Round,
  aggregation: Aggregation | ((updates: readonly Update[]) => Promise<Aggregation>) = {
    change: [],
  },
): Promise<TaskStep> {
  let shown: readonly Update[] | undefined;
  const step = await task.step?.(round, (updates = round.updates) => {
    shown = updates;
    return typeof aggregation === "function" ? aggregation(updates) : Promise.resolve(aggregation);
  });
  return { step: step ?? {}, shown };
}
