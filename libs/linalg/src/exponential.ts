import type { Kernels } from "./kernels.js";
import { withScratch } from "./scratch.js";

/**
 * Replaces every number by its hyperbolic tangent: several times as fast as `Math.tanh`, within 4
 * units of the last place.
 */
export function tanhInPlace(numbers: Float64Array): void {
  inPlace("tanh", numbers);
}

/**
 * Replaces every number x by eˣ, with the same accuracy. Numbers beyond ±708 give the result of
 * ±708, so none is zero or infinite.
 */
export function expInPlace(numbers: Float64Array): void {
  inPlace("exp", numbers);
}

function inPlace(kernel: keyof Pick<Kernels, "exp" | "tanh">, numbers: Float64Array): void {
  withScratch(({ array, kernels }) => {
    const even = array(numbers.length + (numbers.length % 2));
    even.set(numbers);
    kernels[kernel](even.byteOffset, even.length);
    numbers.set(even.subarray(0, numbers.length));
  });
}
