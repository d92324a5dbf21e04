import type { AggregatorPlugin } from "@fedclair/core";
import type { PluginIdentity } from "@fedclair/core/internal";
import { loadPlugins, resolveModule } from "@fedclair/plugins";

export interface OutsideAggregator {
  readonly plugin: AggregatorPlugin;
  readonly code: Pick<PluginIdentity, "version" | "hash">;
}

/** Loads the aggregators that external modules export, by name. Runs the modules' code. */
export async function loadOutsideAggregators(
  modules: readonly string[],
): Promise<Map<string, OutsideAggregator>> {
  const all = await loadPlugins(modules.map((one) => resolveModule(one, ".", "--plugin")));
  const added = new Map<string, OutsideAggregator>();
  for (const { kind, name, version, hash } of all.outside ?? []) {
    const plugin = kind === "aggregator" && all.aggregators.get(name);
    if (plugin) added.set(name, { plugin, code: { version, hash } });
  }
  return added;
}
