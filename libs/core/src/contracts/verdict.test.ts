import assert from "node:assert/strict";
import type { Verdict } from "./aggregator.js";
import { UserError } from "../words/errors.js";
import { checkVerdicts } from "./verdict.js";

const sound: Verdict = {
  clientId: "c0",
  status: "benign",
  pooled: true,
  score: 0.5,
  threshold: null,
};

describe("checkVerdicts", () => {
  it("requires a client of the trial, a known status, and finite numbers or null", () => {
    checkVerdicts(
      "aggregator 'a'",
      [
        { ...sound, modules: [{ module: "m", ratio: 2 }] },
        { ...sound, clientId: "c1", status: "undecided" },
      ],
      ["c0", "c1"],
    );
    for (const [change, expected] of [
      [{ clientId: "ghost" }, /^aggregator 'a': verdict of ghost: the trial has no such client/],
      [{ status: "evil" }, /verdict of c0: status: expected one of benign, .*, got evil/],
      [{ pooled: false }, /pooled: expected true for a client that is benign, got false/],
      [{ status: "invalid" }, /pooled: expected false for a client that is invalid, got true/],
      [{ status: "undecided", pooled: 1 }, /pooled: expected true or false for .*, got 1/],
      [{ score: NaN }, /score: expected a finite number or null, got NaN/],
      [{ score: undefined }, /score: expected a finite number or null, got undefined/],
      [{ reason: 1n }, /verdict of c0: expected what survives JSON, got TypeError: .* BigInt/],
      [{ reason: "x".repeat(2 ** 16) }, /expected at most 65536 characters as JSON, got 65626/],
      [{ modules: "m" }, /verdict of c0: modules: expected a list of { module, ratio }, got 'm'/],
      [{ modules: [null] }, /modules: expected { module, ratio } with a name .*, got null/],
      [{ modules: [{ module: "m", ratio: -1 }] }, /a number of at least 0, got an object/],
      [{ threshold: "x" }, /threshold: expected a finite number or null, got x/],
    ] as const) {
      const verdict = { ...sound, ...change } as unknown as Verdict;
      assert.throws(
        () => {
          checkVerdicts("aggregator 'a'", [verdict], ["c0"]);
        },
        (error) => error instanceof UserError && expected.test(error.message),
      );
    }
  });

  it("rejects a second verdict on a client", () => {
    assert.throws(
      () => {
        checkVerdicts("aggregator 'a'", [sound, { ...sound, score: 1 }], ["c0"]);
      },
      { message: "aggregator 'a': verdict of c0: expected one verdict, got a second one" },
    );
  });
});
