/**
 * Runs a function and records the float typed arrays that it allocates.
 * @returns the length of the longest array
 */
export async function measureLongestArray(run: () => Promise<unknown>): Promise<number> {
  const { Float64Array: double, Float32Array: single } = globalThis;
  let longest = 0;
  const watch = <T extends typeof double | typeof single>(constructor: T): T =>
    new Proxy(constructor, {
      construct: (target, args, newTarget) => {
        const array = Reflect.construct(target, args, newTarget) as Float64Array;
        longest = Math.max(longest, array.length);
        return array;
      },
    });
  globalThis.Float64Array = watch(double);
  globalThis.Float32Array = watch(single);
  try {
    await run();
  } finally {
    globalThis.Float64Array = double;
    globalThis.Float32Array = single;
  }
  return longest;
}
