import { z } from "zod";

/** What a trial file can name. */
export const pluginKinds = ["task", "aggregator", "attack", "mod"] as const;
export type PluginKind = (typeof pluginKinds)[number];

/** Which code a plug-in from outside is: two with the same identity do the same. */
export const pluginIdentity = z.strictObject({
  kind: z.enum(pluginKinds),
  name: z.string().max(64),
  version: z.string().max(64).describe("Of its package; empty if it has none."),
  hash: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe("Of its module's code."),
});
export type PluginIdentity = Readonly<z.output<typeof pluginIdentity>>;

/** With the file that it comes from: as a run folder has it, so that its trial can be run again on the same machine. */
export const locatedPlugin = pluginIdentity.extend({
  module: z.string().min(1).optional().describe("The file that exports it."),
});
export type LocatedPlugin = Readonly<z.output<typeof locatedPlugin>>;

/** The plug-ins from outside that a resolved trial names. */
export function pluginIdentities({
  plugins = [],
}: {
  readonly plugins?: readonly (string | LocatedPlugin)[] | undefined;
}): LocatedPlugin[] {
  return plugins.filter((plugin) => typeof plugin !== "string");
}

/** A resolved trial as its run folder keeps it, with the files of its plug-ins from outside. */
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
 * @param who has `held`, for the message: `the host`
 * @returns which of the needed plug-ins is not there as it is needed, and what is; undefined if all are there
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
