/**
 * Breaks a program on purpose: returns arguments for Node.js that replace a piece of code in one
 * module while it is loaded. If the piece does not occur exactly once, loading fails.
 * @param file the end of the module's URL
 */
export function breakModule(file: string, from: string, to: string): string[] {
  const hooks = `
    export async function load(url, context, next) {
      const loaded = await next(url, context);
      if (!url.endsWith(${JSON.stringify(file)})) return loaded;
      const parts = Buffer.from(loaded.source).toString().split(${JSON.stringify(from)});
      if (parts.length !== 2) throw new Error("cannot break " + url + ": " + parts.length);
      return { ...loaded, source: parts.join(${JSON.stringify(to)}) };
    }`;
  const toUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(toUrl(hooks))});`;
  return ["--import", toUrl(register)];
}
