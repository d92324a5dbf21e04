import { isMainThread } from "node:worker_threads";
import { closeSync, writeSync } from "node:fs";
import inspector from "node:inspector";
import { pathToFileURL } from "node:url";
import { exitCodes } from "@fedclair/core/internal";
import { printable } from "@fedclair/core/text";
import { EventLoopWatch } from "@fedclair/threads";
import type { PluginModule } from "../resolve-module.js";

/*
 * Some code of plug-ins runs in the main thread: the top level of their modules, schemas, `create`
 * and checks, which a trial is read with. A thread watches whether the main thread's event loop
 * turns. If it does not, and the stack of the main thread contains a module of plug-ins, the
 * process ends with an error that names it.
 */

/** Time for the top level of a module, in s: more than its own limit for what it awaits. */
const importSeconds = 10;

/** Time for other code of plug-ins without a trial that says so, in s: as its default. */
const defaultSeconds = 600;

/** The modules of plug-ins that were imported, by their URL. */
const places = new Map<string, string>();

const watch = new EventLoopWatch(endIfOverdue);
let limitSeconds = defaultSeconds;
let isImporting = false;

/**
 * Limits the time of plug-ins' code in the main thread, apart from the top level of modules.
 * @param seconds `limits.serverSeconds` of the trial that is read
 */
export function limitMainThread(seconds: number): void {
  limitSeconds = seconds;
  watch.limit(seconds);
}

/**
 * Imports a module while it is watched, if this is the main thread. The rest of its code is watched
 * from then on.
 */
export async function watchImport<T>({ file, place }: PluginModule, load: () => Promise<T>) {
  if (!isMainThread) return await load();
  places.set(pathToFileURL(file).href, place);
  isImporting = true;
  watch.limit(Math.min(importSeconds, limitSeconds));
  watch.start();
  try {
    return await load();
  } finally {
    isImporting = false;
    watch.limit(limitSeconds);
  }
}

/** Runs on top of the code that the main thread runs: a stack contains that code as well. */
function endIfOverdue(): void {
  Error.stackTraceLimit = Infinity;
  const { stack = "" } = new Error();
  const module = [...places].find(([url]) => stack.includes(url));
  // The machine may be slow, or a person may debug the process.
  if (!module || inspector.url() !== undefined) return;
  const [url, place] = module;
  const line = /^:(\d+)/.exec(stack.split(url)[1] ?? "")?.[1] ?? "";
  const late = `did not return within ${watch.seconds} s`;
  const why = isImporting
    ? `cannot be imported: its top level ${late} (line ${line}); what takes long belongs in a task's create`
    : `${late} (limits.serverSeconds): line ${line}`;
  writeSync(2, `${printable(`error: ${place}: ${why}`, Infinity)}\n`);
  // Otherwise Node.js prints that it waits for the debugger, which is the watching thread.
  closeSync(2);
  // The listeners would report an exit that a plug-in has called.
  process.removeAllListeners("exit");
  process.exit(exitCodes.usage);
}
