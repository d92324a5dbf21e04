/**
 * Lets the tests of a suite take a minute each, where the runner is mocha; others have a setting of their own.
 * @param suite `this` of the function that describes it
 */
export function takesTime(suite: unknown): void {
  const { timeout } = (suite ?? {}) as { readonly timeout?: unknown };
  if (typeof timeout === "function") timeout.call(suite, 60_000);
}
