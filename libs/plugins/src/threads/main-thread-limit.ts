import { isMainThread, Worker } from "node:worker_threads";
import { closeSync, writeSync } from "node:fs";
import inspector from "node:inspector";
import { pathToFileURL } from "node:url";
import { exitCodes } from "@fedclair/core/internal";
import { printable } from "@fedclair/core/text";
import { importSeconds } from "../import-plugins.js";
import type { PluginModule } from "../resolve-module.js";

/*
 * Some code of plug-ins runs in the main thread: the top level of their modules, schemas, `create`
 * and checks, which a trial is read with. A thread watches whether the main thread's event loop
 * turns. If it does not, and the stack of the main thread contains a module of plug-ins, the
 * process ends with an error that names it.
 */

/** Time for other code of plug-ins without a trial that says so, in s: as its default. */
const defaultSeconds = 600;

/** The modules of plug-ins that were imported, by their URL. */
const places = new Map<string, string>();

/** Time between two signs that the event loop turns, in ms. */
const pulseMs = 100;

/** The property of the global object that the watching thread calls. */
const name = "fedclair.overdue";

/** The memory that the watching thread reads: a number that changes, and the limit in ms. */
const shared = new Int32Array(new SharedArrayBuffer(8));

let limitSeconds = defaultSeconds;
let isImporting = false;
let isWatching = false;

/**
 * Limits the time of plug-ins' code in the main thread, apart from the top level of modules.
 * @param seconds `limits.serverSeconds` of the trial that is read
 */
export function limitMainThread(seconds: number): void {
  limitSeconds = seconds;
  limit(seconds);
}

/**
 * Imports a module while it is watched, if this is the main thread. The rest of its code is watched
 * from then on.
 */
export async function watchImport<T>({ file, place }: PluginModule, load: () => Promise<T>) {
  if (!isMainThread) return await load();
  places.set(pathToFileURL(file).href, place);
  isImporting = true;
  limit(Math.min(importSeconds, limitSeconds));
  watch();
  try {
    return await load();
  } finally {
    isImporting = false;
    limit(limitSeconds);
  }
}

function limit(seconds: number): void {
  Atomics.store(shared, 1, Math.min(1000 * seconds, 2 ** 31 - 1));
}

/** Starts the thread that watches, unless there is one. */
function watch(): void {
  if (isWatching) return;
  isWatching = true;
  (globalThis as Record<symbol, unknown>)[Symbol.for(name)] = endIfOverdue;
  setInterval(() => Atomics.add(shared, 0, 1), pulseMs).unref();
  new Worker(new URL(import.meta.resolve("#main-thread-watch")), {
    workerData: { memory: shared.buffer, expression: `globalThis[Symbol.for("${name}")]()` },
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  }).unref();
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
  const late = `did not return within ${Atomics.load(shared, 1) / 1000} s`;
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
