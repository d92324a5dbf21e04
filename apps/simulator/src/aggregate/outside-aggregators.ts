import type { AggregatorPlugin } from "@fedclair/core";
import { loadPlugins, resolveModule } from "@fedclair/plugins";

/** The aggregators that modules from outside export. Runs their code. */
export async function outsideAggregators(
  modules: readonly string[],
): Promise<readonly AggregatorPlugin[]> {
  const all = await loadPlugins(modules.map((one) => resolveModule(one, ".", "--plugin")));
  const own = (all.outside ?? []).filter(({ kind }) => kind === "aggregator");
  return own.flatMap(({ name }) => all.aggregators.get(name) ?? []);
}
