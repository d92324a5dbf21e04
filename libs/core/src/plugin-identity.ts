import { z } from "zod";

/** What a trial file can name. */
export const pluginKinds = ["task", "aggregator", "attack"] as const;
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

/** The plug-ins from outside that a resolved trial names. */
export function identitiesOf({
  plugins = [],
}: {
  readonly plugins?: readonly (string | PluginIdentity)[] | undefined;
}): PluginIdentity[] {
  return plugins.filter((plugin) => typeof plugin !== "string");
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
    const has = own ? `${who} has ${codeText(own)}` : `${who} has none of that name`;
    return `the trial's ${kind} '${name}' is ${codeText(plugin)}, ${has}`;
  }
  return undefined;
}

function codeText({ version, hash }: Pick<PluginIdentity, "version" | "hash">): string {
  return `${version === "" ? "without a version" : `version ${version}`} (code ${hash})`;
}
