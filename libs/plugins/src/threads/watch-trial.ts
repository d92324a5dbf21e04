import { UserError } from "@fedclair/core";
import {
  pluginIdentities,
  type LocatedPlugin,
  type PluginIdentity,
  type PreparedTrial,
  type Trial,
} from "@fedclair/core/internal";
import { Overdue } from "@fedclair/threads";
import { importSeconds } from "../import-plugins.js";
import type { PluginModule } from "../resolve-module.js";
import { listClientPlugins, withoutAggregators } from "../without-aggregators.js";
import { startPluginThread, type PluginThread } from "./plugin-thread.js";
import { ThreadServer } from "./watched-server.js";
import { WatchedRunner, type WatchedEvents } from "./watched-runner.js";

/**
 * Imports modules of plug-ins in a thread, where code that does not return can be ended.
 * @returns the plug-ins that they export, and the thread
 * @throws UserError as `loadPlugins`, or if a module does not return
 */
export async function identifyPlugins(
  modules: readonly PluginModule[],
): Promise<{ readonly plugins: readonly PluginIdentity[]; readonly thread: PluginThread }> {
  const thread = startPluginThread();
  thread.limitTime(() => importSeconds * modules.length);
  const exported = thread.host("exports", modules);
  try {
    return { plugins: await exported.ask("identify"), thread };
  } catch (error) {
    await thread.end();
    if (!(error instanceof Overdue)) throw error;
    const places = modules.map(({ place }) => place).join(", ");
    throw new UserError(
      `${places} cannot be imported: the top level does not return; what takes long belongs in a task's create`,
    );
  }
}

/**
 * Creates a runner for the clients of a prepared trial in a thread.
 * @returns undefined if none of the clients' code comes from outside, so that no thread is needed
 */
export function watchClients(
  { trial, outside }: Pick<PreparedTrial, "trial" | "outside">,
  backend: string,
  events: WatchedEvents,
): WatchedRunner | undefined {
  if (listClientPlugins(trial).length === 0) return undefined;
  return new WatchedRunner({
    modules: locateModules(outside),
    ...selectRunnerOptions(trial, "the trial"),
    backend,
    events,
  });
}

/**
 * Creates what runs a prepared trial's plug-ins at the coordinator in a thread.
 * @returns undefined if no code comes from outside, so that no thread is needed
 */
export function watchServer(prepared: PreparedTrial, backend: string): ThreadServer | undefined {
  if (pluginIdentities(prepared.trial).length === 0) return undefined;
  return new ThreadServer({ modules: locateModules(prepared.outside), prepared, backend });
}

/** The fields of a runner's options that follow from a resolved trial. */
export function selectRunnerOptions(trial: Trial, from: string) {
  const { limits, task } = trial;
  return { content: withoutAggregators(trial), from, limits, task: task.name };
}

function locateModules(outside: readonly LocatedPlugin[]): PluginModule[] {
  const files = new Set(outside.flatMap(({ module }) => module ?? []));
  return [...files].map((file) => ({ file, place: `'${file}'` }));
}
