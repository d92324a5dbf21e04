import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "@fedclair/core";
import { resolve } from "import-meta-resolve";
import type { ModuleCode } from "./module-code.js";

/** A second copy of these would be another instance: its errors, matrices and schemas are strangers to the first. */
const shared = /^(@fedclair\/core|zod)(\/|$)/;

/** @throws UserError if the module would load another copy of what it shares with this program, or has none */
export function checkShared({ packages }: ModuleCode, place: string): void {
  for (const [name, from] of packages) {
    if (!shared.test(name)) continue;
    const [theirs, ours] = [pathToFileURL(from).href, import.meta.url].map((url) => {
      try {
        return resolve(name, url);
      } catch {
        return undefined;
      }
    });
    if (theirs === ours) continue;
    throw new UserError(
      theirs === undefined
        ? `${place}: its package '${name}' cannot be found from ${from}: npm install it there`
        : `${place}: it would load a second '${name}', ${fileURLToPath(theirs)}: install fedclair beside the plug-in ` +
            "and let both share one (in a package: peerDependencies)",
    );
  }
}
