/**
 * Runs something and watches it make typed arrays of floats.
 * @returns the length of the longest
 */
export async function longestArray(run: () => Promise<unknown>): Promise<number> {
  const { Float64Array: double, Float32Array: single } = globalThis;
  let longest = 0;
  const watched = <T extends typeof double | typeof single>(constructor: T): T =>
    new Proxy(constructor, {
      construct: (target, args, newTarget) => {
        const made = Reflect.construct(target, args, newTarget) as Float64Array;
        longest = Math.max(longest, made.length);
        return made;
      },
    });
  globalThis.Float64Array = watched(double);
  globalThis.Float32Array = watched(single);
  try {
    await run();
  } finally {
    globalThis.Float64Array = double;
    globalThis.Float32Array = single;
  }
  return longest;
}
