import {
  readNumbers,
  isLowRank,
  type AttackedRound,
  type TensorDelta,
  type Tensor,
  type Update,
  scaleModule,
} from "@fedclair/core";
import { median, type Stream } from "@fedclair/linalg";
import { measureNorm, tensorLike } from "./modules.js";

/**
 * Draws one module of one client's forged update; its norm is arbitrary.
 * @param own the honest module, which determines shapes and dtypes
 */
export type DrawModule = (own: TensorDelta, module: string, clientId: string) => TensorDelta;

/**
 * Replaces every module of the contaminated clients' updates with the result of `draw`, scaled to a
 * Frobenius norm of `factor` × the median norm of the module's honest updates: large enough to
 * matter, too small to stand out by size.
 */
export function forgeAtMedianNorm(
  round: AttackedRound,
  factor: number,
  draw: DrawModule,
): Update[] {
  const medians = medianNorms(referenceUpdates(round));
  return mapModules(round.own, (module, name, clientId) => {
    const drawn = draw(module, name, clientId);
    return scaleModule(drawn, (factor * getModule(medians, name)) / (measureNorm(drawn) || 1));
  });
}

/**
 * The updates on which an attack bases its own: the honest ones, or the attackers' own in a round
 * without honest ones.
 */
export function referenceUpdates({ own, honest }: AttackedRound): readonly Update[] {
  return honest.length > 0 ? honest : own;
}

/** Replaces every module of every update. */
export function mapModules(updates: readonly Update[], replace: DrawModule): Update[] {
  return updates.map((update) => ({
    ...update,
    delta: new Map(
      [...update.delta].map(([name, module]) => [name, replace(module, name, update.clientId)]),
    ),
  }));
}

/** The update of a client that learned nothing. */
export function removeChange(update: Update): Update {
  const modules = [...update.delta].map(
    ([name, module]) => [name, scaleModule(module, 0)] as const,
  );
  return { ...update, delta: new Map(modules) };
}

/** Independent N(0, 1) entries; for a pair, in both factors. */
export function normalsLike(like: TensorDelta, rng: Stream): TensorDelta {
  const draw = (tensor: Tensor, from: Stream) =>
    tensorLike(tensor, from.normals(readNumbers(tensor).length));
  if (!isLowRank(like)) return draw(like, rng);
  return { b: draw(like.b, rng.at("b")), a: draw(like.a, rng.at("a")) };
}

/** The median Frobenius norm of each module. */
export function medianNorms(updates: readonly Update[]): ReadonlyMap<string, number> {
  const norms = new Map<string, number[]>();
  for (const { delta } of updates) {
    for (const [name, module] of delta) {
      const values = norms.get(name) ?? [];
      values.push(measureNorm(module));
      norms.set(name, values);
    }
  }
  return new Map([...norms].map(([name, values]) => [name, median(values)]));
}

/** @throws Error if no honest update has the module */
export function getModule<T>(byModule: ReadonlyMap<string, T>, name: string): T {
  const value = byModule.get(name);
  if (value === undefined) throw new Error(`no honest update has a module '${name}'`);
  return value;
}
