import module from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "@fedclair/core";
import { resolve } from "import-meta-resolve";
import type { ModuleCode } from "./module-code.js";

/**
 * Packages that must not be loaded twice: a second copy would have its own classes, and the first
 * would not recognise its errors, matrices and schemas.
 */
const shared = /^(@fedclair\/core|zod)(\/|$)/;

/** Packages that a module without an installation of its own imports from this program. */
const lent = /^(@fedclair\/[\w-]+|zod)(\/|$)/;

/**
 * Checks that a module shares packages with this program. From Node.js 22.15 on, a module that
 * finds none imports those of this program.
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
    if (theirs === ours || (theirs === undefined && canLend())) continue;
    throw new UserError(
      theirs === undefined
        ? `${place}: its package '${name}' cannot be found from ${from}: npm install it there`
        : `${place}: it would load a second '${name}', ${fileURLToPath(theirs)}: install fedclair next to the plug-in ` +
            "and let both share one (in a package: peerDependencies)",
    );
  }
}

/** A hook of Node.js that resolves imports. */
type Resolve<R> = (
  specifier: string,
  context: { readonly parentURL: string | undefined },
  next: (specifier: string, context: { readonly parentURL: string | undefined }) => R,
) => R;

const {
  registerHooks,
}: typeof module & {
  registerHooks?: (hooks: { readonly resolve: Resolve<unknown> }) => void;
} = module;

let isLending = false;

/**
 * Lets modules import the packages of this program that they do not find themselves.
 * @returns whether this version of Node.js can do so
 */
function canLend(): boolean {
  if (!registerHooks) return false;
  if (!isLending) registerHooks({ resolve: lend });
  isLending = true;
  return true;
}

const lend: Resolve<unknown> = (specifier, context, next) => {
  try {
    return next(specifier, context);
  } catch (error) {
    if (!lent.test(specifier)) throw error;
    return next(specifier, { ...context, parentURL: import.meta.url });
  }
};
