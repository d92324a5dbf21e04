import assert from "node:assert/strict";
import type { Plugin } from "../src/contracts/plugin.js";

type Hook = (hook: () => void) => void;

/**
 * Prepares a suite that tests a plug-in, if the runner is mocha. Each test may take a minute. A
 * plug-in that calls process.exit fails its test; otherwise the runner would end as if all tests
 * had passed.
 * @param suite `this` of the callback of `describe`
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
  it("has a summary and defaults for every option, and rejects unknown options", () => {
    assert.match(plugin.summary, /^[A-Z].*\.$/);
    assert.equal(plugin.schema.safeParse(options).success, true);
    assert.equal(plugin.schema.safeParse({ ...options, nonsense: 1 }).success, false);
  });
}
