import {
  isLowRank,
  type AttackedRound,
  type TensorDelta,
  type Tensor,
  type Update,
  scaleModule,
} from "@fedclair/core";
import { median, type Stream } from "@fedclair/linalg";
import { frobenius, tensorLike } from "./modules.js";

/**
 * Draws one module of one client's forged update, of any size.
 * @param own what the client would have sent: the shapes and dtypes to keep
 */
export type DrawModule = (own: TensorDelta, module: string, clientId: string) => TensorDelta;

/**
 * Replaces every module of the contaminated clients' updates by what `draw` returns, scaled to a Frobenius norm of
 * `factor` × the median norm of the honest updates of that module: large enough to matter, too small to stand out by size.
 */
export function forgeAtMedianNorm(seen: AttackedRound, factor: number, draw: DrawModule): Update[] {
  const medians = medianNorms(modelsOf(seen));
  return mapModules(seen.own, (module, name, clientId) => {
    const drawn = draw(module, name, clientId);
    return scaleModule(drawn, (factor * valueOf(medians, name)) / (frobenius(drawn) || 1));
  });
}

/** The updates that an attack goes by: the honest ones, or the attackers' own in a round without any. */
export function modelsOf({ own, honest }: AttackedRound): readonly Update[] {
  return honest.length > 0 ? honest : own;
}

/** Every module of every update, replaced. */
export function mapModules(updates: readonly Update[], replace: DrawModule): Update[] {
  return updates.map((update) => ({
    ...update,
    delta: new Map(
      [...update.delta].map(([name, module]) => [name, replace(module, name, update.clientId)]),
    ),
  }));
}

/** What a client sends that learnt nothing. */
export function withoutChange(update: Update): Update {
  const modules = [...update.delta].map(
    ([name, module]) => [name, scaleModule(module, 0)] as const,
  );
  return { ...update, delta: new Map(modules) };
}

/** Independent N(0, 1) entries; of factors those of both. */
export function normalsLike(like: TensorDelta, rng: Stream): TensorDelta {
  const draw = (tensor: Tensor, from: Stream) =>
    tensorLike(tensor, from.normals(tensor.data.length));
  if (!isLowRank(like)) return draw(like, rng);
  return { b: draw(like.b, rng.at("b")), a: draw(like.a, rng.at("a")) };
}

/** The median Frobenius norm of each module. */
export function medianNorms(updates: readonly Update[]): ReadonlyMap<string, number> {
  const norms = new Map<string, number[]>();
  for (const { delta } of updates) {
    for (const [name, module] of delta) {
      const values = norms.get(name) ?? [];
      values.push(frobenius(module));
      norms.set(name, values);
    }
  }
  return new Map([...norms].map(([name, values]) => [name, median(values)]));
}

/** @throws Error if no honest update has that module */
export function valueOf<T>(byModule: ReadonlyMap<string, T>, name: string): T {
  const value = byModule.get(name);
  if (value === undefined) throw new Error(`no honest update has a module '${name}'`);
  return value;
}
