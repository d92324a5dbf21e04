import type { Failure } from "../words/errors.js";
import { admitUpdate, type Shapes } from "./admission.js";
import { loadTensor, type Dense, type Params } from "./tensor.js";
import { isLowRank, type Delta, type Update } from "./update.js";

/*
 * The own params of a client of an arm with a personal method travel beside its change, as modules
 * whose names begin with `own/`. They are taken off before an attack or an aggregator sees the
 * update: in a real federation they would stay with the client.
 */
const prefix = "own/";

/** Adds a client's own params to the change that it sends. */
export function withOwn(change: Delta, own: Params): Delta {
  return new Map([...change, ...[...own].map(([name, t]) => [prefix + name, t] as const)]);
}

/** Admits an update with own params. @param sent the modules of the update without them */
export function admitWithOwn(update: Update, sent: Shapes, own: Shapes): Failure | undefined {
  const both = [...own].map(([name, spec]) => [prefix + name, { ...spec, isDense: true }] as const);
  return admitUpdate(update, new Map([...sent, ...both]));
}

/** Takes the own params off an admitted change. */
export function splitOwn(change: Delta): { readonly sent: Delta; readonly own: Params } {
  const sent = new Map(change);
  const own = new Map<string, Dense>();
  for (const [name, module] of change) {
    if (!name.startsWith(prefix) || isLowRank(module)) continue;
    own.set(name.slice(prefix.length), loadTensor(module));
    sent.delete(name);
  }
  return { sent, own };
}
