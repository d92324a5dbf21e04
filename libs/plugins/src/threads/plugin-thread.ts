import { errorMessage } from "@fedclair/core/errors";
import { printableLines } from "@fedclair/core/text";
import { Thread, ThreadEnded } from "@fedclair/threads";
import type { PluginReport } from "./thread-messages.js";
import type { PluginMakers } from "./worker.js";

/**
 * A thread for the code of plug-ins from outside. Unlike code in the main thread, it can be ended
 * at any moment, and signals and heartbeats are answered while it runs.
 */
export type PluginThread = Thread<PluginMakers, PluginReport>;

/** @param onUncaught receives an error that nothing in the thread caught */
export function startPluginThread(onUncaught?: (error: Error) => void): PluginThread {
  return new Thread(new URL(import.meta.resolve("#plugin-thread")), {
    name: "its thread",
    exitHint: ": does a plug-in call process.exit?",
    argv: process.argv.slice(2),
    onOutput: (text) => process.stderr.write(printableLines(text)), // stdout is for results
    ...(onUncaught && { onUncaught }),
  });
}

/** Names the code that a thread runs, or ran when it ended. */
export function nameCode(thread: PluginThread | undefined): string {
  return thread?.code ?? "code of a plug-in";
}

/** Explains an error of a thread that is not one of the code that it ran. */
export function describeFault(error: unknown): ThreadEnded {
  const hint = "does a plug-in change built-in objects, such as Map.prototype?";
  return new ThreadEnded(`its thread failed: ${errorMessage(error)}: ${hint}`, { cause: error });
}
