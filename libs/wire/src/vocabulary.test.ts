import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { errorCodes, exitCodes } from "@fedclair/core";
import { fedclair } from "#gen/fedclair.js";

const docs = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");

/** Names and numbers in the table below a heading, whose rows begin with `| number | name |`. */
function table(heading: string): Record<string, number> {
  const section = docs.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section.matchAll(/^\| *(\d+) *\| *`?(\w+)`? *\|/gm);
  return Object.fromEntries(
    [...rows].map(([, number, name]): [string, number] => [name ?? "", Number(number)]),
  );
}

describe("errors", () => {
  it("are the same in the code and in proto/", () => {
    const { ERROR_CODE_UNSPECIFIED, ...wire } = fedclair.v1.ErrorCode;
    assert.equal(ERROR_CODE_UNSPECIFIED, 0);
    const named = Object.entries(wire).filter(([, value]) => typeof value === "number");
    assert.deepEqual(Object.fromEntries(named), { ...errorCodes });
  });

  it("are the same in the code and in docs/errors.md", () => {
    assert.deepEqual(table("Error codes"), { ...errorCodes });
  });

  it("have each a number of its own", () => {
    for (const codes of [errorCodes, exitCodes]) {
      assert.equal(new Set(Object.values(codes)).size, Object.keys(codes).length);
    }
  });
});

describe("exit codes", () => {
  it("are the same in the code and in docs/errors.md", () => {
    assert.deepEqual(table("Exit codes"), { ...exitCodes });
  });
});
