import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "@fedclair/core";
import { resolve } from "import-meta-resolve";
import type { ModuleCode } from "./module-code.js";

/**
 * Packages that must not be loaded twice: a second copy would have its own classes, and the first
 * would not recognise its errors, matrices and schemas.
 */
const shared = /^(@fedclair\/core|zod)(\/|$)/;

/**
 * @throws UserError if the module would load a second copy of a package that it shares with this
 * program, or cannot find one
 */
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
        : `${place}: it would load a second '${name}', ${fileURLToPath(theirs)}: install fedclair next to the plug-in ` +
            "and let both share one (in a package: peerDependencies)",
    );
  }
}
