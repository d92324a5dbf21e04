import { UserError } from "@fedclair/core";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { kindsFormat, runCases } from "@fedclair/core/cases";
import { aggregatorKinds } from "./index.js";

interface File {
  readonly format: number;
  readonly cases: readonly { readonly name: string; readonly kind: string }[];
}

const fixture = new URL("../../../fixtures/clair.json", import.meta.url);
const file = JSON.parse(readFileSync(fixture, "utf8")) as File;

const clairFormat = kindsFormat("clair", aggregatorKinds);

const run = (cases: readonly unknown[]) => runCases({ format: 1, cases }, [clairFormat]);

describe("reference cases", () => {
  for (const testCase of file.cases) {
    if (!aggregatorKinds.has(testCase.kind)) continue;
    it(testCase.name, async () => {
      assert.deepEqual(await run([testCase]), [{ name: testCase.name, mismatches: [] }]);
    });
  }
});

describe("the case runner", () => {
  /** The first case, with the entry at `path` of its expectation set to `value`. */
  const spoilCase = (path: readonly (string | number)[], value: unknown): unknown => {
    const spoil = (node: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
      if (key === undefined) return value;
      const copy = structuredClone(node) as Record<string | number, unknown>;
      copy[key] = spoil(copy[key], rest);
      return copy;
    };
    return spoil(file.cases[0], ["expect", ...path]);
  };

  it("reports one wrong entry of every kind of expectation", async () => {
    const wrong: [string, readonly (string | number)[], unknown][] = [
      ["status.c00", ["status", "c00"], "contaminated"],
      ["detection", ["detection"], false],
      ["rank.m", ["rank", "m"], 3],
      ["projector.m.left[0][1]", ["projector", "m", "left", 0, 1], 2],
      ["scores.c01", ["scores", "c01"], 1.7358],
      ["scores.c09", ["scores", "c09"], 0],
      ["gap", ["gap"], 1696000],
      ["threshold", ["threshold"], null],
      ["refined.mean.c02.m[7][5]", ["refined", "mean", "c02", "m", 7, 5], 9],
      ["refined.mean.c01.m", ["refined", "mean", "c01"], { m: [[1]] }],
      ["shrink.m", ["shrink", "m"], 0.5],
      ["surprise", ["surprise"], 1],
    ];
    for (const [field, path, value] of wrong) {
      const [outcome] = await run([spoilCase(path, value)]);
      assert.deepEqual(
        outcome?.mismatches.map((m) => m.field),
        [field],
      );
    }
  });

  it("fails a case without a function and continues after a broken case", async () => {
    const outcomes = await run([
      { name: "new", kind: "novel", method: "x", expect: {} },
      { name: "broken", kind: "clair", clients: 3, expect: {} },
      { name: "typo", kind: "clair", config: { rnak: 2 }, clients: [], expect: {} },
      file.cases[0],
    ]);
    assert.deepEqual(
      outcomes.map(({ mismatches }) => mismatches.map(({ message }) => message)),
      [
        ["no function yet for kind novel (method x)"],
        ["clients: expected an array"],
        ["config: unknown key 'rnak', did you mean 'rank'?"],
        [],
      ],
    );
  });

  it("rejects a file of an unknown method", async () => {
    await assert.rejects(runCases({ unit: 1 }, [clairFormat]), UserError);
  });
});
