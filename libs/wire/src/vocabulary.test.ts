import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bounds, errorCodes, exitCodes } from "@fedclair/core";
import { fedclair } from "../gen/fedclair.js";
import { maxFields } from "./codec/bounded-reader.js";
import { defaultLimits } from "./protocol.js";

const read = (name: string) =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const docs = read("errors.md");

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

describe("limits", () => {
  it("are the same in the code and in docs/protocol.md", () => {
    const rows = read("protocol.md").matchAll(/^\| ([^|]+?) +\| ([\d,]+)( MiB)?/gm);
    const limits = new Map(
      [...rows].map(([, what, number = "", unit]): [string, number] => [
        what ?? "",
        Number(number.replaceAll(",", "")) * (unit ? 2 ** 20 : 1),
      ]),
    );
    const expected = {
      "payload of a frame": defaultLimits.chunkBytes,
      "a message": defaultLimits.maxMessageBytes,
      "fields of a message": maxFields,
      "metrics of an update": bounds.metrics,
      "a name (client, phase, module …)": bounds.nameLength,
      "text of a failure, as JSON": bounds.failureBytes,
    };
    for (const [what, number] of Object.entries(expected)) {
      assert.equal(limits.get(what), number, what);
    }
  });
});
