import { join } from "node:path";
import { listModels } from "@huggingface/hub";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { countNoun } from "@fedclair/runs";
import { findFormFaults } from "../adapters/adapter-faults.js";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { configFile, readConfig, type Config } from "../adapters/peft-config.js";
import { openAdapter, type Adapter } from "../adapters/peft.js";
import { fetchAdapter } from "./fetch-adapter.js";
import { BusyHubError, callHub, type Hub } from "./hub-client.js";

/** So many adapters of the base are looked at for each sibling that is wanted. */
const triesPerSibling = 10;

/**
 * Finds other adapters on the hub that can be compared with the given ones: of the same base, with
 * the same rank and modules. The most downloaded ones come first.
 * @param given the adapters of the audit; the first one that can be read is what others must fit
 * @param wanted the number of siblings
 * @throws UserError if no given adapter can be read, or its base is no model of the hub
 */
export async function findSiblings(
  hub: Hub,
  given: readonly AdapterFolder[],
  wanted: number,
  log: (line: string) => void,
): Promise<AdapterFolder[]> {
  const { adapter, base } = await openFirst(given);
  if (hub.isOffline) {
    throw new UserError("--siblings: HF_HUB_OFFLINE is set: leave one of the two out");
  }
  const siblings: AdapterFolder[] = [];
  const known = new Set(given.map(({ hub }) => hub?.repo));
  const listed = listModels({
    ...hub.access,
    search: { tags: [`base_model:adapter:${base}`] },
    sort: "downloads",
    limit: triesPerSibling * wanted + known.size,
  });
  let tried = 0;
  log(`looking for ${wanted} adapters of ${base} …`);
  while (siblings.length < wanted) {
    const next = await callHub(hub, `--siblings: adapters of ${base}`, () => listed.next());
    if (next.done === true) break;
    const { name } = next.value;
    if (known.has(name)) continue;
    tried++;
    const sibling = await fetchComparable(hub, name, adapter).catch((error: unknown) => {
      if (!(error instanceof UserError) || error instanceof BusyHubError) throw error;
      log(`sibling left out: ${oneLine(error.message)}`);
      return undefined;
    });
    if (sibling !== undefined) siblings.push(sibling);
  }
  log(
    `${countNoun(siblings.length, "sibling")} of ${wanted} among ${countNoun(tried, "adapter")} of ${base}`,
  );
  return siblings;
}

async function openFirst(
  given: readonly AdapterFolder[],
): Promise<{ readonly adapter: Adapter; readonly base: string }> {
  for (const { folder } of given) {
    const adapter = await openAdapter(folder).catch(() => undefined);
    if (adapter === undefined) continue;
    const base = adapter.config.base_model_name_or_path ?? "";
    if (/^[\w.-]+\/[\w.-]+$/.test(base) && !base.startsWith(".")) return { adapter, base };
    throw new UserError(
      `--siblings: '${folder}' has base '${oneLine(base)}': expected the name of a model on the hub`,
    );
  }
  throw new UserError("--siblings: no adapter can be read that others could be compared with");
}

/** Downloads an adapter if it fits another one; the tensors only if its configuration does. */
async function fetchComparable(
  hub: Hub,
  repo: string,
  wanted: Adapter,
): Promise<AdapterFolder | undefined> {
  const name = { text: `hf://${repo}`, repo, folder: "", revision: "main" };
  const found = await fetchAdapter(hub, name, "config", () => undefined);
  if (!fits(readConfig(join(found.folder, configFile)), wanted.config)) return undefined;
  const sibling = await fetchAdapter(hub, name, "all", () => undefined);
  const opened = new Map([
    ["wanted", wanted],
    ["sibling", await openAdapter(sibling.folder)],
  ]);
  if (findFormFaults(opened).faults.size > 0) return undefined;
  return { ...sibling, ...(sibling.hub && { hub: { ...sibling.hub, isSibling: true } }) };
}

function fits(config: Config, wanted: Config): boolean {
  const { r, base_model_name_or_path: base } = config;
  const modules = ({ target_modules }: Config) =>
    JSON.stringify(Array.isArray(target_modules) ? target_modules.toSorted() : target_modules);
  return (
    r === wanted.r && base === wanted.base_model_name_or_path && modules(config) === modules(wanted)
  );
}
