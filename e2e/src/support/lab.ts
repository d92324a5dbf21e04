import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { workspace } from "./paths.js";

export interface LabScript {
  readonly name: string;
  readonly file: string;
  readonly summary: string;
}

export interface Catalogue {
  readonly labScripts: Readonly<Record<string, readonly LabScript[]>>;
  readonly findLabScript: (name: string) => LabScript | undefined;
}

/** The scripts of `npm run lab`. Their catalogue is plain JavaScript without types. */
export async function loadCatalogue(): Promise<Catalogue> {
  const url = pathToFileURL(join(workspace, "scripts/lab/catalogue.js"));
  return (await import(url.href)) as Catalogue;
}
