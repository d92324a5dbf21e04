/*
 * Lets modules import the packages of this program that they do not find themselves. Node.js before
 * 22.15 loads this file into a thread of its own, as `module.register` describes.
 */

/** Packages that a module without an installation of its own imports from this program. */
const lent = /^(@fedclair\/[\w-]+|zod)(\/|$)/;

/** Where an import comes from. */
interface Context {
  readonly parentURL: string | undefined;
}

/** A hook of Node.js that resolves imports. */
type Resolve<R> = (
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => R,
) => R;

/** The hook for `module.registerHooks`. */
export const lend: Resolve<unknown> = (specifier, context, next) => {
  try {
    return next(specifier, context);
  } catch (error) {
    return next(specifier, toLender(specifier, context, error));
  }
};

/** The hook for `module.register`. */
export const resolve: Resolve<Promise<unknown>> = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    return await next(specifier, toLender(specifier, context, error));
  }
};

/** @throws the error if the import that failed is of another package */
function toLender(specifier: string, context: Context, error: unknown): Context {
  if (!lent.test(specifier)) throw error;
  return { ...context, parentURL: import.meta.url };
}
