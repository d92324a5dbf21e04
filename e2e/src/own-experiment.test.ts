import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, symlink } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { temporaryFolder, workspace } from "./support/paths.js";
import { runScript } from "./support/run-script.js";

/**
 * A document as one script: its `sh` blocks as they stand, and files written where a block follows a line with the file's
 * name. Nothing is installed: the packages of this repository lie in a folder around.
 */
function scriptOf(markdown: string, port: number): string {
  const blocks = markdown.matchAll(/(?:^`([\w./-]+)`\n\n)?^```(\w+)\n([^]*?)^```$/gm);
  return [...blocks]
    .map(([, file, language, text = ""]) => {
      if (language === "sh") return text;
      assert.ok(file !== undefined, `no file is named for the block ${text.slice(0, 80)}`);
      return `cat > ${file} <<'end of file'\n${text}end of file\n`;
    })
    .join("\n")
    .replaceAll(/^npm install$/gm, "true")
    .replaceAll(":4000", `:${port}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe("docs/own-experiment.md", function () {
  this.timeout(180_000);

  it("leads from nothing to an own experiment", async () => {
    const folder = await temporaryFolder();
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
    const text = await readFile(join(workspace, "docs/own-experiment.md"), "utf8");
    const script = scriptOf(text, await freePort());
    const { code, stdout, stderr } = await runScript(script, folder);
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /same-way flagged 4 of 4 contaminated clients .* with no false alarm/);
    assert.match(stdout, /2 passed, 0 failed/);
    assert.match(stdout, /Least mean cosine with the others/);
    assert.match(stdout, /\d\d passing/);
    assert.match(
      stderr,
      /reported without task 'illness' 0\.1\.0 and aggregator 'same-way' 0\.1\.0/,
    );
    const [one, two] = await Promise.all(
      ["wards-1", "two-hosts"].map((run) =>
        readFile(join(folder, "clinics/runs", run, "records.jsonl"), "utf8"),
      ),
    );
    assert.equal(one, two);
  });
});
