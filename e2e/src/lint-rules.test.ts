import assert from "node:assert/strict";
import { join } from "node:path";
import { ESLint } from "eslint";
import { workspace } from "./support/paths.js";

const eslint = new ESLint({ cwd: workspace });

/** The names of the rules that a script of this repository would break. */
async function lint(code: string): Promise<string[]> {
  const filePath = join(workspace, "scripts", "example.js");
  const [result = assert.fail("nothing was linted")] = await eslint.lintText(code, { filePath });
  return result.messages.map(({ ruleId, message }) => ruleId ?? message);
}

describe("the lint rules on prose", () => {
  for (const opening of [
    "Of nobody",
    "Those left",
    "Who is next",
    "What is left",
    "That it took",
  ]) {
    it(`reject a doc comment that begins with '${opening}'`, async () => {
      assert.deepEqual(await lint(`/** ${opening}. */\nexport const x = 1;\n`), [
        "local/doc-comments",
      ]);
      assert.deepEqual(await lint(`/**\n * ${opening}.\n */\nexport const x = 1;\n`), [
        "local/doc-comments",
      ]);
    });
  }

  for (const comment of [
    "/** Seconds spent sampling the cohort. */",
    "/** By default nobody is flagged. */",
    "/** Offset of the first byte. */",
    "/** @returns seconds */",
    "/* Of no interest here: not a doc comment. */",
  ]) {
    it(`accept ${comment}`, async () => {
      assert.deepEqual(await lint(`${comment}\nexport const x = 1;\n`), []);
    });
  }

  it("limit comments to 100 columns, but neither code nor URLs", async () => {
    const code = `export const x = "${"x".repeat(200)}";\n`;
    assert.deepEqual(await lint(`// ${"word ".repeat(30)}\n${code}`), ["max-len"]);
    assert.deepEqual(await lint(`// https://example.org/${"x".repeat(100)}\n${code}`), []);
  });

  it("reject an object literal that is spread into another, but not a conditional spread", async () => {
    assert.deepEqual(await lint("export const f = (a) => ({ ...{ a, b: 1 }, c: 2 });\n"), [
      "no-restricted-syntax",
    ]);
    assert.deepEqual(await lint("export const f = (a) => ({ ...(a && { a }), ...a });\n"), []);
  });
});
