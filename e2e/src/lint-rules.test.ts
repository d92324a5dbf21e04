import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder, workspace } from "./support/paths.js";

/** The codes of the rules that a script of this repository would break. */
async function lint(code: string): Promise<string[]> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "example.js"), code);
  const config = join(workspace, ".oxlintrc.json");
  const args = ["node_modules/oxlint/bin/oxlint", "--config", config, "--format", "json", folder];
  const { stdout } = spawnSync(process.execPath, args, { cwd: workspace, encoding: "utf8" });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] };
  return diagnostics.map((one) => one.code);
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
        "local(doc-comments)",
      ]);
      assert.deepEqual(await lint(`/**\n * ${opening}.\n */\nexport const x = 1;\n`), [
        "local(doc-comments)",
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
    assert.deepEqual(await lint(`// ${"word ".repeat(30)}\n${code}`), [
      "local(max-comment-length)",
    ]);
    assert.deepEqual(await lint(`// https://example.org/${"x".repeat(100)}\n${code}`), []);
  });

  it("reject an object literal that is spread into another, but not a conditional spread", async () => {
    assert.deepEqual(await lint("export const f = (a) => ({ ...{ a, b: 1 }, c: 2 });\n"), [
      "local(no-spread-literal)",
    ]);
    assert.deepEqual(await lint("export const f = (a) => ({ ...(a && { a }), ...a });\n"), []);
  });
});
