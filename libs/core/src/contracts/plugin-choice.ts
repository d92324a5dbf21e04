/** A choice of plug-in as a trial file writes it: its name and its options side by side. */
export type PluginChoice = { readonly name: string } & Readonly<Record<string, unknown>>;

/** What a plug-in is made with. */
export function pluginOptions(choice: PluginChoice): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(choice).filter(([key]) => key !== "name"));
}
