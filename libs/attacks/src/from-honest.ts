import {
  deltaShape,
  sizeOf,
  type AttackedRound,
  type Delta,
  type Update,
  toFloat64,
} from "@fedclair/core";
import { mapModules, modelsOf, valueOf } from "./forging.js";
import { changeLike } from "./modules.js";

/**
 * Gives all contaminated clients one forged vector, made from the honest updates. A vector is the change itself, all
 * modules one after another, low-rank factors multiplied out: how a product is split into b and a is arbitrary, so
 * statistics of the entries of b and of a would mean nothing. A client that sends factors sends the best approximation
 * that its rank allows. Takes memory for the dense changes of all honest clients.
 * @param rule from the honest vectors, in order of client ids so that rounding does not depend on who answered first
 */
export function forgeFromHonest(
  seen: AttackedRound,
  rule: (honest: readonly Float64Array[]) => Float64Array,
): Update[] {
  const models = modelsOf(seen).toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1));
  const forms = [...(seen.own[0]?.delta ?? [])];
  const vectors = models.map(({ delta }) =>
    flatten(
      delta,
      forms.map(([name]) => name),
    ),
  );
  const forged = rule(vectors);
  const parts = new Map<string, Float64Array>();
  let offset = 0;
  for (const [name, module] of forms) {
    const size = sizeOf(deltaShape(module));
    parts.set(name, forged.subarray(offset, offset + size));
    offset += size;
  }
  return mapModules(seen.own, (module, name) => changeLike(module, valueOf(parts, name).slice()));
}

function flatten(modules: Delta, names: readonly string[]): Float64Array {
  const parts = names.map((name) => toFloat64(valueOf(modules, name)));
  const out = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
