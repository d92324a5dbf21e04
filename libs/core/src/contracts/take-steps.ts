import { combineParams, pickModules } from "../tensors/combine.js";
import type { Params } from "../tensors/tensor.js";
import { yieldToEventLoop } from "../words/yield-to-event-loop.js";
import type { GradientTraining } from "./personal.js";

/**
 * Takes plain gradient steps, for tasks that can compute a gradient.
 * @param gradientOf returns the gradient of the loss with respect to each module
 * @param signal aborts between two steps
 */
export async function takeSteps(
  start: Params,
  { count, rate, towards, only = [...start.keys()] }: Parameters<GradientTraining["steps"]>[1],
  gradientOf: (params: Params) => Params | Promise<Params>,
  signal?: AbortSignal,
): Promise<Params> {
  let params = start;
  for (let step = 0; step < count; step++) {
    const gradient = await gradientOf(params);
    const moving = pickModules(params, only);
    const moved = combineParams(
      [1, moving],
      [-rate, gradient],
      ...(towards
        ? ([
            [-rate * towards.weight, moving],
            [rate * towards.weight, towards.params],
          ] as const)
        : []),
    );
    params = new Map([...params, ...moved]);
    await yieldToEventLoop();
    signal?.throwIfAborted();
  }
  return params;
}
