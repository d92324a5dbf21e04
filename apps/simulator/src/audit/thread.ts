import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import type { Answer, Task } from "./judge.js";

/** What the thread says: errors lose their class on the way. */
export type Reply = Answer | { readonly fault: string };

/**
 * `judge` in a thread of its own: it computes for seconds to minutes on end, and Ctrl-C must end it all the same.
 * @throws AbortError once the signal aborts; UserError as `judge` does
 */
export async function judgeInThread(task: Task, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted();
  const thread = new Worker(new URL("./worker.js", import.meta.url), { workerData: task });
  try {
    const [reply] = (await once(thread, "message", { signal })) as [Reply];
    if ("fault" in reply) throw new UserError(reply.fault);
    return reply;
  } finally {
    await thread.terminate();
  }
}
