import { withScratch } from "./scratch.js";

/** Every number becomes its hyperbolic tangent, in place: several times as fast as `Math.tanh`, within 4 units of the last place. */
export function tanhInPlace(numbers: Float64Array): void {
  withScratch(({ array, kernels }) => {
    const even = array(numbers.length + (numbers.length % 2));
    even.set(numbers);
    kernels.tanh(even.byteOffset, even.length);
    numbers.set(even.subarray(0, numbers.length));
  });
}
