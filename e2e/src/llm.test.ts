import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors } from "@fedclair/core";
import { listDocumentedCommands } from "./support/documented-commands.js";
import { readRecords } from "./support/federation.js";
import { workspace } from "./support/paths.js";
import { mayInstall } from "./support/python.js";
import { runScript } from "./support/run-script.js";

describe("a language model", function () {
  this.timeout(1_500_000);

  before(function () {
    if (!mayInstall("llm")) this.skip();
  });

  it("is adapted to eight presidents by the documented command", async function () {
    const smoke = listDocumentedCommands().find(
      ({ document, words }) => document === "docs/llm.md" && words.includes("smoke"),
    );
    assert.equal(smoke?.words.join(" "), "npm run lab -- llm --trial smoke");
    const { code, stdout, stderr } = await runScript(
      "node studies/llm/llm.js --trial smoke",
      workspace,
    );
    if (stdout.startsWith("skipped: ")) {
      process.stderr.write(stdout);
      this.skip();
    }
    assert.equal(code, 0, stdout + stderr);

    const [, run = ""] = /report in (\S+)\/report\.html/.exec(stderr) ?? [];
    const [record] = await readRecords(run);
    const flagged = record?.clients.filter(({ verdict }) => verdict === "contaminated");
    assert.deepEqual(
      flagged?.map(({ clientId }) => clientId),
      ["c02"],
    );
    const { measures } = JSON.parse(await readFile(join(run, "summary.json"), "utf8")) as {
      measures: Record<string, number>;
    };
    const perplexity = (arm: string) => measures[`perplexity.${arm}`] ?? NaN;
    assert.ok(perplexity("clair") < perplexity("fedavg"));
    assert.equal(perplexity("flora"), perplexity("fedavg"));

    const { params } = decodeSafetensors(await readFile(join(run, "params.safetensors")));
    const own = [...params].filter(([name]) => /^c\d+\//.test(name));
    assert.ok(own.length > 0 && own.every(([name]) => /\.lora_[AB]$/.test(name)));
  });
});
