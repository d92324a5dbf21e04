import { availableParallelism } from "node:os";
import { yieldToEventLoop, type Update } from "@fedclair/core";
import type { Power } from "./judge/controls.js";
import type { ClairOptions } from "./options.js";
import { clairThreads } from "./modules/clair-threads.js";
import { ClientGroup } from "./client-group.js";
import { threadsFor } from "./modules/module-pool.js";
import type { GroupUpdate, JudgedGroup } from "./modules/thread-objects.js";
import { shareDelta } from "./updates/transfer.js";

/**
 * Number of groups that are judged at once. Clients train at the same time, but they wait for each
 * other; one thread less left a sixth of two cores idle.
 */
export const groupsAtOnce = availableParallelism();

/**
 * Judges a group of clients: here if it is small, otherwise in another thread. The result is the
 * same to the bit.
 * @param turn 0 … `groupsAtOnce` - 1, which selects the thread
 */
export async function judgeGroup(
  updates: readonly Update[],
  options: ClairOptions,
  power: Power | undefined,
  turn: number,
): Promise<JudgedGroup> {
  if (threadsFor(updates, options) === 0)
    return await new ClientGroup(updates, options).judge(power);
  const posted: GroupUpdate[] = [];
  for (const { clientId, numExamples, delta } of updates) {
    posted.push({ clientId, numExamples, delta: shareDelta(delta) });
    await yieldToEventLoop();
  }
  const group = clairThreads.at(turn).host("clients", posted, options);
  try {
    return await group.ask("judge", power);
  } finally {
    group.drop();
  }
}
