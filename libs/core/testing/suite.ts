import assert from "node:assert/strict";
import type { Plugin } from "../src/contracts/plugin.js";

type Hook = (hook: () => void) => void;

/**
 * What the suites of plug-ins have in common, where the runner is mocha: their tests may take a minute each, and a plug-in that
 * calls process.exit fails its test, and does not end the runner as if all were well.
 * @param suite `this` of the function that describes it
 */
export function setUpSuite(suite: unknown): void {
  const { timeout } = (suite ?? {}) as { readonly timeout?: unknown };
  if (typeof timeout === "function") timeout.call(suite, 60_000);
  const { before, after } = globalThis as { readonly before?: Hook; readonly after?: Hook };
  const exit = process.exit.bind(process);
  before?.(() => {
    process.exit = (code) => {
      throw new Error(
        `something called process.exit(${String(code ?? "")}): throw an error instead`,
      );
    };
  });
  after?.(() => {
    process.exit = exit;
  });
}

export function itDescribesItself(plugin: Plugin<unknown>, options: object): void {
  it("has a summary and defaults for every option, and refuses unknown ones", () => {
    assert.match(plugin.summary, /^[A-Z].*\.$/);
    assert.equal(plugin.schema.safeParse(options).success, true);
    assert.equal(plugin.schema.safeParse({ ...options, nonsense: 1 }).success, false);
  });
}
