import type { TrainResult } from "./task.js";
import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";
import { describeValue } from "../words/describe-value.js";
import type { Dense, Packed } from "../tensors/tensor.js";
import { tensorsOf, type Delta } from "../tensors/update.js";

/**
 * Checks that a trainer, an attack or a mod returned a value with the fields of a result.
 * @param maker the function that returned it, for messages: `train()`
 * @throws UserError with the function, the wrong field, and what was expected
 */
export function checkResult(result: unknown, maker: string): TrainResult {
  const fault = describeFault(result);
  if (fault === undefined) return result as TrainResult;
  throw new UserError(
    `${maker} returned ${fault}; expected { numExamples, delta, metrics }, delta a Map of tensors by module`,
  );
}

function describeFault(result: unknown): string | undefined {
  if (typeof result !== "object" || result === null) return describeValue(result);
  const { numExamples, delta, metrics }: { readonly [K in keyof TrainResult]?: unknown } = result;
  if (!(delta instanceof Map)) return `a delta that is ${describeValue(delta)}`;
  if (typeof numExamples !== "number") return `numExamples that is ${describeValue(numExamples)}`;
  if (typeof metrics !== "object" || metrics === null || metrics instanceof Promise)
    return `metrics that is ${describeValue(metrics)}`;
  const odd = Object.entries(metrics).find(([, value]) => typeof value !== "number");
  if (odd) return `metrics.${excerpt(odd[0])} that is ${describeValue(odd[1])}`;
  for (const [name, change] of delta as Delta) {
    const module = `delta.get('${excerpt(name)}')`;
    const value: unknown = change;
    if (typeof value !== "object" || value === null)
      return `${module} that is ${describeValue(value)}`;
    for (const tensor of tensorsOf(change)) {
      const { shape, data, codes } = ((tensor as unknown) ?? {}) as Partial<Dense & Packed>;
      if (!Array.isArray(shape)) return `${module} with a shape that is ${describeValue(shape)}`;
      if (codes !== undefined) continue;
      if (!(data instanceof Float32Array) && !(data instanceof Float64Array))
        return `${module} with data that is ${describeValue(data)}, no Float32Array or Float64Array`;
    }
  }
  return undefined;
}
