import assert from "node:assert/strict";
import type { Plugin } from "../src/contracts/plugin.js";
import type { Played } from "./play.js";

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
    assert.match(plugin.summary, /^[A-Z].*\.$/, "its summary is no sentence with a full stop");
    assertOptions(plugin, options);
  });
}

/** Asserts that a plug-in accepts its options and rejects others. */
export function assertOptions({ schema }: Pick<Plugin<unknown>, "schema">, options: object): void {
  const { error } = schema.safeParse(options);
  assert.equal(error, undefined, `its schema rejects ${JSON.stringify(options)}: ${String(error)}`);
  assert.ok(
    schema.safeParse({ ...options, nonsense: 1 }).error,
    "its schema accepts the unknown option `nonsense`: use z.strictObject",
  );
}

/**
 * Asserts that no client fails while Math.random fails.
 * @param run plays the rounds in which clients would call it
 * @param advice what a client should draw from
 */
export async function assertDrawsNowhereElse(
  run: () => Promise<Pick<Played, "rounds">>,
  advice: string,
): Promise<void> {
  const { random } = Math;
  Math.random = () => assert.fail("Math.random");
  try {
    const { rounds } = await run();
    const failures = rounds.flatMap(({ record }) => record.clients.map((c) => c.failure));
    assert.ok(
      failures.every((failure) => failure === null),
      `a client failed: does it call Math.random? ${advice}`,
    );
  } finally {
    Math.random = random;
  }
}

/** Why a plug-in that resumes differs. */
export const keepsMore =
  "it goes on otherwise from a stored state: keep everything between rounds in the state, not in fields or variables";

/** Why a plug-in differs from call to call. */
export const drawsElsewhere =
  "a second call gives another result: draw only from the streams that it gets";

/** Why an update has another form than the one before. */
export const otherForm =
  "it changes modules, shapes, dtypes, ranks, counts or metrics: change numbers alone";
