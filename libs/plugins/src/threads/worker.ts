// The script of a `PluginThread`.
import { ThreadService } from "@fedclair/threads";
import { loadPlugins } from "../load-plugins.js";
import type { PluginModule } from "../resolve-module.js";
import { openClientSide } from "./client-side.js";
import type { PluginService } from "./plugin-objects.js";
import { openServerSide } from "./server-side.js";

const service: PluginService = new ThreadService({
  exports: (modules) => ({ identify: () => identify(modules) }),
  clients: (modules, trial, isAlone) => openClientSide(service, modules, trial, isAlone),
  server: (modules, trial) => openServerSide(service, modules, trial),
});

async function identify(modules: readonly PluginModule[]) {
  // Built-in plug-ins are not loaded: their names are known without them.
  const noBuiltIn = () =>
    Promise.resolve({ tasks: new Map(), aggregators: new Map(), attacks: new Map() });
  const { outside = [] } = await loadPlugins(modules, undefined, noBuiltIn);
  return outside.map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
}
