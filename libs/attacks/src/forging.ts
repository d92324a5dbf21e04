import type { ModuleUpdate, Update } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { frobenius, scale } from "./modules.js";

/**
 * Draws one module of one client's forged update, of any size.
 * @param own what the client would have sent: the shapes and dtypes to keep
 */
export type DrawModule = (own: ModuleUpdate, module: string, clientId: string) => ModuleUpdate;

/**
 * Replaces every module of the contaminated clients' updates by what `draw` returns, scaled to a Frobenius norm of
 * `factor` × the median norm of the honest updates of that module: large enough to matter, too small to stand out by size.
 * In a round without honest updates the median is over the attackers' own ones.
 */
export function forgeAtMedianNorm(
  own: readonly Update[],
  honest: readonly Update[],
  factor: number,
  draw: DrawModule,
): Update[] {
  const medians = medianNorms(honest.length > 0 ? honest : own);
  return own.map((update) => {
    const modules = [...update.modules].map(([name, module]): [string, ModuleUpdate] => {
      const norm = medians.get(name);
      if (norm === undefined) throw new Error(`no honest update has a module '${name}'`);
      const drawn = draw(module, name, update.clientId);
      return [name, scale(drawn, (factor * norm) / frobenius(drawn))];
    });
    return { ...update, modules: new Map(modules) };
  });
}

/** By module. */
function medianNorms(updates: readonly Update[]): ReadonlyMap<string, number> {
  const norms = new Map<string, number[]>();
  for (const { modules } of updates) {
    for (const [name, module] of modules) {
      const values = norms.get(name) ?? [];
      values.push(frobenius(module));
      norms.set(name, values);
    }
  }
  return new Map([...norms].map(([name, values]) => [name, median(values)]));
}
