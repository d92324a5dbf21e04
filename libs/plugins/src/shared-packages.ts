import module from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "@fedclair/core";
import { resolve } from "import-meta-resolve";
import { lend } from "./lend-packages.js";
import type { ModuleCode } from "./module-code.js";

/**
 * Packages that must not be loaded twice: a second copy would have its own classes, and the first
 * would not recognise its errors, matrices and schemas.
 */
const shared = /^(@fedclair\/core|zod)(\/|$)/;

/**
 * Checks that a module shares packages with this program. A module that finds none imports those of
 * this program.
 * @throws UserError if the module would load a second copy of a package that it shares with this
 * program
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
    if (theirs === undefined) lendPackages();
    else if (theirs !== ours) {
      throw new UserError(
        `${place}: it would load a second '${name}', ${fileURLToPath(theirs)}: install fedclair next to the plug-in ` +
          "and let both share one (in a package: peerDependencies)",
      );
    }
  }
}

const {
  registerHooks,
}: typeof module & {
  registerHooks?: (hooks: { readonly resolve: typeof lend }) => void;
} = module;

let isLending = false;

/** Lets modules import the packages of this program that they do not find themselves. */
function lendPackages(): void {
  if (isLending) return;
  isLending = true;
  if (registerHooks) registerHooks({ resolve: lend });
  // Newer versions of Node.js warn of this one.
  else module.register("./lend-packages.js", import.meta.url);
}
