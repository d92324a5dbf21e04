import type { TrainResult } from "./contracts.js";
import { UserError } from "./errors.js";
import { tensorsOf, type Delta } from "./update.js";

/**
 * What a trainer, an attack or a mod made must at least have the form of a result: all that follows reads it.
 * @throws UserError that names who made it
 */
export function checkedResult(result: unknown, maker: string): TrainResult {
  const { delta, metrics } = (result ?? {}) as Partial<TrainResult>;
  const isWhole =
    delta instanceof Map &&
    typeof metrics === "object" &&
    [...(delta as Delta).values()].every((change) =>
      tensorsOf(change).every(
        ({ shape, data }) => Array.isArray(shape) && ArrayBuffer.isView(data),
      ),
    );
  if (isWhole) return result as TrainResult;
  const what = result === undefined ? "nothing" : "something else";
  throw new UserError(
    `${maker} returned ${what}: expected { numExamples, delta, metrics }, delta a Map of tensors by module`,
  );
}
