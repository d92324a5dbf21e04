import { z } from "zod";

/** The kinds of plug-ins that a trial file can name. */
export const pluginKinds = ["task", "aggregator", "attack", "mod", "personal"] as const;
export type PluginKind = (typeof pluginKinds)[number];

/** The identity of an outside plug-in's code: plug-ins with the same identity behave the same. */
const pluginIdentity = z.strictObject({
  kind: z.enum(pluginKinds),
  name: z.string().max(64),
  version: z.string().max(64).describe("The version of its package; empty if it has none."),
  hash: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe("A hash of its module's code."),
});
export type PluginIdentity = Readonly<z.output<typeof pluginIdentity>>;

/**
 * An identity with the plug-in's file. A run folder stores it, so that the trial can run again on
 * the same machine.
 */
export const locatedPlugin = pluginIdentity.extend({
  module: z.string().min(1).optional().describe("The file that exports it."),
});
export type LocatedPlugin = Readonly<z.output<typeof locatedPlugin>>;

/** Returns the identities of the outside plug-ins that a resolved trial uses. */
export function pluginIdentities({
  plugins = [],
}: {
  readonly plugins?: readonly (string | LocatedPlugin)[] | undefined;
}): LocatedPlugin[] {
  return plugins.filter((plugin) => typeof plugin !== "string");
}

/** Adds the files of the outside plug-ins to a resolved trial, as its run folder stores it. */
export function withModules<
  T extends { readonly plugins?: readonly (string | LocatedPlugin)[] | undefined },
>(trial: T, outside: readonly LocatedPlugin[] = []): T {
  if (!trial.plugins) return trial;
  const plugins = pluginIdentities(trial).map(
    (used) => outside.find(({ kind, name }) => kind === used.kind && name === used.name) ?? used,
  );
  return { ...trial, plugins };
}

/**
 * Explains which needed plug-in is missing or differs; undefined if all of them match.
 * @param held the plug-ins of a process
 * @param who the process, for the message: `the host`
 */
export function pluginMismatch(
  needed: readonly PluginIdentity[],
  held: readonly Readonly<Record<keyof PluginIdentity, string>>[],
  who: string,
): string | undefined {
  for (const plugin of needed) {
    const { kind, name, version, hash } = plugin;
    const own = held.find((other) => other.kind === kind && other.name === name);
    if (own?.version === version && own.hash === hash) continue;
    const has = own ? `${who} has ${formatCode(own)}` : `${who} has none of that name`;
    return `the trial's ${kind} '${name}' is ${formatCode(plugin)}, ${has}`;
  }
  return undefined;
}

function formatCode({ version, hash }: Pick<PluginIdentity, "version" | "hash">): string {
  return `${version === "" ? "without a version" : `version ${version}`} (code ${hash})`;
}
