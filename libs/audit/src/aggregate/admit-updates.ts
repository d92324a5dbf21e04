import {
  deltaShape,
  dtypeOf,
  tensorsOf,
  UserError,
  type Delta,
  type Shapes,
  type Update,
} from "@fedclair/core";
import { admitUpdate } from "@fedclair/core/internal";
import { findMisfits } from "../adapters/find-misfits.js";

/** The updates of a round that can be aggregated. */
interface AdmittedUpdates {
  readonly updates: readonly Update[];
  /** The reasons why the updates of other clients cannot be aggregated, by client. */
  readonly faults: ReadonlyMap<string, string>;
}

/**
 * Separates updates that can be aggregated from updates with other modules or shapes than most, or
 * with numbers that are not finite.
 * @throws UserError if no update can be aggregated
 */
export function admitUpdates(sent: readonly Update[]): AdmittedUpdates {
  const members = new Map(
    sent.map((update) => [update.clientId, { update, shapes: listShapes(update.delta) }]),
  );
  const { faults } = findMisfits(
    members,
    ({ shapes }) => formatShapes(shapes),
    ({ update }, usual) => admitUpdate(update, usual.shapes)?.message,
  );
  const updates = sent.filter(({ clientId }) => !faults.has(clientId));
  if (updates.length > 0) return { updates, faults };
  const why = [...faults].map((fault) => fault.join(": ")).at(-1) ?? "there is none";
  throw new UserError(`expected at least one update that can be aggregated; ${why}`);
}

function listShapes(delta: Delta): Shapes {
  const specs = [...delta].map(([name, change]) => {
    const [tensor] = tensorsOf(change);
    const dtype = tensor === undefined ? "f32" : dtypeOf(tensor);
    return [name, { shape: deltaShape(change), dtype }] as const;
  });
  return new Map(specs);
}

/** Writes modules and shapes so that updates which can be added up have the same text. */
function formatShapes(shapes: Shapes): string {
  return JSON.stringify([...shapes].map(([name, { shape }]) => [name, shape]).sort());
}
