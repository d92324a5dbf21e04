import {
  deltaShape,
  sizeOf,
  type AttackedRound,
  type Delta,
  type Update,
  toFloat64,
} from "@fedclair/core";
import { mapModules, referenceUpdates, getModule } from "./forging.js";
import { changeLike } from "./modules.js";

/**
 * Gives all contaminated clients one forged vector, computed from the honest updates. A vector is
 * the full change: all modules one after another, with low-rank factors multiplied out. The split
 * of a product into b and a is arbitrary, so statistics of their entries would have no meaning. A
 * client that sends factors sends the best approximation of its rank. Needs memory for the dense
 * changes of all benign clients.
 * @param rule computes the vector from the honest ones, in order of client ids, so that rounding
 * does not depend on the order of answers
 */
export function forgeFromHonest(
  round: AttackedRound,
  rule: (honest: readonly Float64Array[]) => Float64Array,
): Update[] {
  const models = referenceUpdates(round).toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1));
  const forms = [...(round.own[0]?.delta ?? [])];
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
  return mapModules(round.own, (module, name) =>
    changeLike(module, getModule(parts, name).slice()),
  );
}

function flatten(modules: Delta, names: readonly string[]): Float64Array {
  const parts = names.map((name) => toFloat64(getModule(modules, name)));
  const out = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
