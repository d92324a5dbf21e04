import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors } from "@fedclair/core";
import { pythonCommands } from "./support/documented-commands.js";
import { startCoordinator } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { mayInstall, pythonWith, startPythonHost } from "./support/python.js";

const examples = "apps/client-python/examples";

/** Runs an example on one host, by its documented command. @returns what the coordinator prints, and the run folder */
async function runExample(
  trial: string,
  changes: readonly string[],
  cwd: string,
  host: string,
  extra: string,
): Promise<{ stdout: string; out: string }> {
  const out = await temporaryFolder();
  const set = changes.flatMap((change) => ["--set", change]);
  const file = join(workspace, trial);
  const { coordinator, url } = await startCoordinator([file, "--out", out, "--no-report", ...set]);
  const [words = []] = pythonCommands("fedclair-host").filter((words) => words.includes(host));
  assert.ok(words.length > 0, host);
  const args = words.map((word) => (word.startsWith("http") ? url : word));
  const started = await startPythonHost(cwd, args, { extras: [extra] });
  const { code, stdout, stderr } = await coordinator.ended;
  const ended = await started.ended;
  assert.equal(code, 0, stderr + ended.stderr);
  assert.equal(ended.code, 0, ended.stderr);
  return { stdout, out };
}

describe("a ClientApp of Flower", function () {
  this.timeout(120_000);

  before(async function () {
    this.timeout(900_000);
    if (!mayInstall("flower") || (await pythonWith("flower")) === undefined) this.skip();
  });

  it("runs as it is, and CLAIR names the two clients that learn random labels", async () => {
    const { stdout, out } = await runExample(
      `${examples}/flower/flower.yaml`,
      [],
      `${examples}/flower`,
      "flower_app:app",
      "flower",
    );
    assert.match(
      stdout,
      /clair flagged 2 of 2 contaminated clients in every round \(2\), with no false/,
    );
    const { measures, backend } = JSON.parse(await readFile(join(out, "summary.json"), "utf8")) as {
      measures: Record<string, number>;
      backend: string;
    };
    assert.equal(backend, "flower");
    assert.ok((measures["accuracy.clair"] ?? 0) > 0.9);
  });
});

describe("PEFT adapters", function () {
  this.timeout(300_000);

  before(async function () {
    this.timeout(900_000);
    if (!mayInstall("peft") || (await pythonWith("peft")) === undefined) this.skip();
  });

  it("travel as pairs, and CLAIR names the four that learnt random symbols", async () => {
    const { stdout, out } = await runExample(
      `${examples}/tiny_llama.yaml`,
      ["baselines=[]"],
      examples,
      "tiny_llama:make_client",
      "peft",
    );
    assert.match(
      stdout,
      /clair flagged 4 of 4 contaminated clients in the only round, with no false/,
    );
    const { params } = decodeSafetensors(await readFile(join(out, "params.safetensors")));
    const names = [...params.keys()].filter((name) => name.startsWith("c00/"));
    assert.ok(names.length > 0 && names.every((name) => /\.lora_[AB]$/.test(name)), names.join());
  });
});
