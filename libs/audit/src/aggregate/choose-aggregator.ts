import type { Aggregator, AggregatorPlugin, Registry } from "@fedclair/core";
import {
  choiceSchema,
  createPlugin,
  parseYaml,
  type PluginChoice,
  type PluginIdentity,
} from "@fedclair/core/internal";
import { loadPlugins, loadRules, resolveModules } from "@fedclair/plugins";
import { z } from "zod";

/** An aggregator with its options. */
export interface AggregatorRequest {
  /** The name, or the name with options beside it. */
  readonly aggregator: string | PluginChoice;
  /** Options as `option=value`. */
  readonly set?: readonly string[];
  /** Modules with external aggregators, whose code runs. */
  readonly plugins?: readonly string[];
}

/** An aggregator that is ready to run. */
export interface ChosenAggregator {
  /** The name with all options, including defaults. */
  readonly choice: PluginChoice;
  readonly aggregator: Aggregator;
  /** The code of an external aggregator. */
  readonly code?: Pick<PluginIdentity, "version" | "hash"> | undefined;
}

/**
 * Creates the requested aggregator.
 * @param models what clients continue with under CLAIR unless that is set. Refined changes may be
 *   worse than the clients' own, and a server step has no data to measure them.
 * @throws UserError for an unknown aggregator or option
 */
export async function chooseAggregator(
  request: AggregatorRequest,
  models: "personal" | "global" = "global",
): Promise<ChosenAggregator> {
  const added = await loadExternal(request.plugins ?? []);
  const { aggregator, set = [] } = request;
  const named = typeof aggregator === "string" ? { name: aggregator } : aggregator;
  const registry = new Map(await loadRules(named.name));
  for (const [name, { plugin }] of added) registry.set(name, plugin);
  const defaults = named.name === "clair" ? { models } : {};
  const choice = parseChoice({ ...defaults, ...named }, set, registry);
  const code = added.get(choice.name)?.code;
  return { choice, aggregator: createPlugin(registry, choice), code };
}

function parseChoice(
  choice: PluginChoice,
  set: readonly string[],
  registry: Registry<AggregatorPlugin>,
): PluginChoice {
  const source = {
    text: JSON.stringify({ aggregator: choice }),
    file: "--aggregator",
    hasLines: false,
    what: "options",
    overrides: set.map((one) => `aggregator.${one}`),
  };
  const schema = z.strictObject({ aggregator: choiceSchema(registry, "aggregator") });
  return parseYaml(source).check(schema).aggregator;
}

/** Loads the aggregators that external modules export, by name. */
async function loadExternal(modules: readonly string[]) {
  const added = new Map<
    string,
    { readonly plugin: AggregatorPlugin; readonly code: ChosenAggregator["code"] }
  >();
  if (modules.length === 0) return added; // the loader also imports every task
  const all = await loadPlugins(resolveModules(modules));
  for (const { kind, name, version, hash } of all.outside ?? []) {
    const plugin = kind === "aggregator" && all.aggregators.get(name);
    if (plugin) added.set(name, { plugin, code: { version, hash } });
  }
  return added;
}
