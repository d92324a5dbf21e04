import type { Aggregation, Params, Round, Start, Step, Task, Update } from "@fedclair/core";
import { stream, type Stream } from "@fedclair/linalg";

/** What the coordinator's half starts with. */
export function start(task: Task, rng: Stream, clientIds: readonly string[] = []): Promise<Start> {
  return task.start({ clientIds, rng });
}

/** The params that all clients start from. */
export async function startOf(task: Task, rng: Stream): Promise<Params> {
  const { params } = await start(task, rng);
  if (params === "client") throw new Error("only a client knows the params");
  return params;
}

/** A round of these updates. */
export function roundOf(changes: Partial<Round> & Pick<Round, "updates">): Round {
  const rng = stream(1);
  const clientIds = changes.updates.map(({ clientId }) => clientId);
  return {
    ...{ round: 1, phase: "train", clientIds, params: new Map(), state: undefined },
    ...{ rng, fixedRng: rng },
    ...changes,
  };
}

export interface Stepped {
  readonly step: Step;
  /** What the aggregator was shown; undefined if it was not asked. */
  readonly shown: readonly Update[] | undefined;
}

/** A task's step around an aggregator that answers with `aggregation`, or with what that makes of the updates. */
export async function stepOf(
  task: Task,
  round: Round,
  aggregation: Aggregation | ((updates: readonly Update[]) => Promise<Aggregation>) = {
    change: [],
  },
): Promise<Stepped> {
  let shown: readonly Update[] | undefined;
  const step = await task.step?.(round, (updates = round.updates) => {
    shown = updates;
    return typeof aggregation === "function" ? aggregation(updates) : Promise.resolve(aggregation);
  });
  return { step: step ?? {}, shown };
}
