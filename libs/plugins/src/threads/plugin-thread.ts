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
    onOutput: passOn,
    ...(onUncaught && { onUncaught }),
  });
}

/** Characters of what plug-ins print that are passed on. One in a loop could fill a disk. */
const mostOutput = 2 ** 20;

let passedOn = 0;

/** Prints what plug-ins print on stderr, because stdout is for results. */
function passOn(text: string): void {
  const left = mostOutput - passedOn;
  if (left < 0) return;
  const shown = printableLines(text);
  passedOn += shown.length;
  const cut = `${shown.slice(0, left)}…\nplug-ins have printed ${mostOutput} characters; more is not shown\n`;
  process.stderr.write(shown.length <= left ? shown : cut);
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
