import { kindsFormat, runCases } from "@fedclair/core/cases";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { attackKinds } from "./index.js";

interface File {
  readonly cases: readonly { readonly name: string; readonly expect: object }[];
}

const fixture = new URL("../../../fixtures/attacks/attacks.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as File;

const run = (cases: readonly unknown[]) =>
  runCases({ format: 1, cases }, [kindsFormat("clair", attackKinds)]);

describe("reference cases of attacks", () => {
  for (const testCase of cases) {
    it(testCase.name, async () => {
      assert.deepEqual(await run([testCase]), [{ name: testCase.name, mismatches: [] }]);
    });

    it(`${testCase.name}: detects every changed expectation`, async () => {
      for (const field of Object.keys(testCase.expect)) {
        const [outcome] = await run([{ ...testCase, expect: { ...testCase.expect, [field]: 7 } }]);
        assert.deepEqual(
          outcome?.mismatches.map((m) => m.field),
          [field],
        );
      }
    });
  }

  it("fails a case without a known method or update", async () => {
    const outcomes = await run([
      { name: "new", kind: "attack", method: "novel", benign: [[1]] },
      {
        name: "none",
        kind: "attack",
        method: "scaling",
        benign: [[1]],
        params: { c: 1, index: 3 },
      },
    ]);
    assert.deepEqual(
      outcomes.map(({ mismatches }) => mismatches.map(({ message }) => message)),
      [["no function yet for kind attack (method novel)"], ["index: no benign update 3"]],
    );
  });
});
