/** A plug-in in a trial file: its name and its options in one mapping. */
export type PluginChoice = { readonly name: string } & Readonly<Record<string, unknown>>;

/** Returns the options of a choice, without its name. */
export function pluginOptions(choice: PluginChoice): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(choice).filter(([key]) => key !== "name"));
}
