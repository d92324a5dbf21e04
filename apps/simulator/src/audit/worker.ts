import { parentPort, workerData } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { judge, type Task } from "./judge.js";
import type { Reply } from "./thread.js";

/** Started by `thread.ts`. */
async function reply(task: Task): Promise<Reply> {
  try {
    return await judge(task);
  } catch (error) {
    if (error instanceof UserError) return { fault: error.message };
    throw error;
  }
}

parentPort?.postMessage(await reply(workerData as Task));
