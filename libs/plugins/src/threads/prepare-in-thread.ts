import { chooseBackend, loadBackend, type BackendName } from "@fedclair/compute";
import type { Plugins } from "@fedclair/core";
import { prepareSentTrial, type PreparedTrial } from "@fedclair/core/internal";
import { readCode } from "../module-code.js";
import type { PluginModule } from "../resolve-module.js";
import type { ThreadTrial } from "./thread-messages.js";

/** Prepares a trial, with the backend that its plug-ins may need. */
export async function prepareInThread(
  { content, from, backend }: ThreadTrial,
  modules: readonly PluginModule[],
  plugins: Promise<Plugins>,
): Promise<PreparedTrial> {
  const prepared = prepareSentTrial(content, from, await plugins);
  chooseBackend(backend as BackendName);
  if (await importsTensorFlow(modules)) await loadBackend();
  return prepared;
}

/**
 * Whether a module of plug-ins, or a package that it has imported, uses TensorFlow.js. Loading its
 * backend takes as long as loading everything else.
 */
async function importsTensorFlow(modules: readonly PluginModule[]): Promise<boolean> {
  if ("_tfengine" in globalThis) return true; // TensorFlow.js sets it in every copy
  const code = await Promise.all(modules.map(({ file }) => readCode(file)));
  return code.some(({ packages }) =>
    [...packages.keys()].some((name) => name.startsWith("@tensorflow/")),
  );
}
