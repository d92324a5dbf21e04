import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { workspace } from "./paths.js";

/**
 * Lists the trials or the sweeps of this repository, by their paths from the workspace's root.
 * `scripts/shipped.js` finds them.
 */
export async function listShipped(kind: "trials" | "sweeps"): Promise<string[]> {
  const module = pathToFileURL(join(workspace, "scripts/shipped.js")).href;
  const { listShipped: list } = (await import(module)) as {
    listShipped: (kind: string) => string[];
  };
  return list(kind);
}
