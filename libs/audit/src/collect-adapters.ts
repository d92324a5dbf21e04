import { resolve } from "node:path";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { findAdapters, type FoundAdapters } from "./adapters/find-adapters.js";
import type { HubOptions } from "./hub/hub-client.js";
import { parseHubName } from "./hub/hub-name.js";

export interface CollectOptions {
  /** Where adapters with names such as `hf://org/name` come from. */
  readonly hub?: HubOptions;
  /** How many other adapters of the same base, rank and modules are added; default: none. */
  readonly siblings?: number;
  /** Stops the audit when it aborts. */
  readonly signal?: AbortSignal;
  /** Called with lines that report progress. */
  readonly log?: (line: string) => void;
}

/**
 * Collects the adapters of an audit, in the order in which they are given.
 * @param paths folders, or names on a hub such as `hf://org/name@revision`, which are downloaded
 * @throws UserError if there is no path, a folder has no adapter, or a name cannot be downloaded
 */
export async function collectAdapters(
  paths: readonly string[],
  { hub: options = {}, siblings = 0, signal, log = () => undefined }: CollectOptions = {},
): Promise<FoundAdapters> {
  if (paths.length === 0)
    throw new UserError("no adapters to audit: expected at least one folder or name on a hub");
  const named = await Promise.all(paths.map(parseHubName));
  const folders = paths.filter((_, i) => named[i] === undefined);
  const found = await findAdapters(folders);
  if (folders.length === paths.length && siblings === 0) return found;
  // The hub's library takes long to load, and most audits read folders only.
  const [{ openHub }, { fetchAdapter }, { findSiblings }] = await Promise.all([
    import("./hub/hub-client.js"),
    import("./hub/fetch-adapter.js"),
    import("./hub/find-siblings.js"),
  ]);
  const hub = openHub(options, signal ?? new AbortController().signal);
  const fetched = [];
  for (const name of named.filter((one) => one !== undefined)) {
    log(`fetching ${oneLine(name.text)} …`);
    const adapter = await fetchAdapter(hub, name, "all", log).catch((error: unknown) => {
      if (!(error instanceof UserError) || paths.includes(name.text)) throw error;
      throw new UserError(`no folder '${name.text.replace("hf://", "")}'; ${error.message}`);
    });
    fetched.push(adapter);
  }
  const given = [...found.adapters, ...fetched];
  const added = siblings > 0 ? await findSiblings(hub, given, siblings, log) : [];
  const distinct = new Map([...given, ...added].map((one) => [resolve(one.folder), one]));
  const downloads = fetched.length + added.length;
  return {
    ...found,
    adapters: [...distinct.values()],
    places: [...found.places, { folder: hub.access.hubUrl, adapters: downloads }],
  };
}
