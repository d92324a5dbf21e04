// The script of a `PluginThread`.
import { ThreadService } from "@fedclair/threads";
import { loadPlugins } from "../load-plugins.js";
import type { PluginModule } from "../resolve-module.js";
import { openClientSide, type ClientSide } from "./client-side.js";
import type { PluginReport, ThreadTrial } from "./thread-messages.js";
import { openServerSide, type ServerSide } from "./server-side.js";

/** What a thread creates, once it is prepared. */
const makers = {
  exports: (modules: readonly PluginModule[]) => ({ identify: () => identify(modules) }),
  clients: (
    modules: readonly PluginModule[],
    trial: ThreadTrial,
    isAlone: boolean,
    isApart: boolean,
  ): Promise<ClientSide> => openClientSide(service, modules, trial, isAlone, isApart),
  server: (modules: readonly PluginModule[], trial: ThreadTrial): Promise<ServerSide> =>
    openServerSide(service, modules, trial),
};

export type PluginMakers = typeof makers;

const service: ThreadService<PluginMakers, PluginReport> = new ThreadService(makers);

async function identify(modules: readonly PluginModule[]) {
  // Built-in plug-ins are not loaded: their names are known without them.
  const noBuiltIn = () =>
    Promise.resolve({ tasks: new Map(), aggregators: new Map(), attacks: new Map() });
  const { outside = [] } = await loadPlugins(modules, undefined, noBuiltIn);
  return outside.map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
}
