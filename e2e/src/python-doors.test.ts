import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { decodeSafetensors } from "@fedclair/core";
import { listPythonCommands } from "./support/documented-commands.js";
import { startCoordinator } from "./support/federation.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import { installPython, startPythonHost, requirePython } from "./support/python.js";

const examples = "apps/client-python/examples";

/**
 * Runs an example on one host by its documented commands.
 * @returns the coordinator's output and the run folder
 */
async function runExample(
  trial: string,
  changes: readonly string[],
  cwd: string,
  host: string,
  extra: string,
): Promise<{ stdout: string; out: string }> {
  const out = await temporaryFolder();
  const set = changes.flatMap((change) => ["--set", change]);
  const [coordinate = []] = listPythonCommands("npx", "fedclair", "coordinator").filter(
    ([file]) => file === trial,
  );
  assert.ok(coordinate.length > 0, trial);
  const { coordinator, url } = await startCoordinator([
    ...coordinate.map((word) => (/:\d+$/.test(word) ? "127.0.0.1:0" : word)),
    ...["--out", out, "--no-report", ...set],
  ]);
  const [words = []] = listPythonCommands("fedclair-host").filter((words) => words.includes(host));
  assert.ok(words.length > 0, host);
  const args = words.map((word) => (word.startsWith("http") ? url : word));
  const started = await startPythonHost(cwd, args, { extras: [extra] });
  const { code, stdout, stderr } = await coordinator.ended;
  const outcome = await started.ended;
  assert.equal(code, 0, stderr + outcome.stderr);
  assert.equal(outcome.code, 0, outcome.stderr);
  return { stdout, out };
}

describe("a ClientApp of Flower", () => {
  requirePython("flower");

  it("runs unchanged, and CLAIR flags the two clients with random labels", async () => {
    assert.ok(listPythonCommands("cd").some(([folder]) => folder === `${examples}/flower`));
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

describe("a Flower server of Python whose step is fedclair aggregate", function () {
  this.timeout(300_000);
  const folder = `${examples}/flower-server`;

  requirePython("flower-server");

  it("gives the results of fedclair's own rounds in two rounds", async () => {
    const python = await installPython("flower-server");
    assert.ok(python !== undefined);
    const served = join(await temporaryFolder(), "served");
    const command = [process.execPath, join(workspace, "apps/cli/bin/fedclair.js")];
    const cwd = join(workspace, folder);
    const { stdout } = await promisify(execFile)(python, ["server_step.py", served, ...command], {
      cwd,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    assert.match(stdout, /round 1: contaminated c02, c07\nround 2: contaminated c02, c07/);
    const { out } = await runExample(
      `${folder}/own.yaml`,
      [],
      folder,
      "own:make_client",
      "flower-server",
    );
    const lines = (await readFile(join(out, "records.jsonl"), "utf8")).trim().split("\n");
    assert.equal(lines.length, 2);
    for (const [r, line] of lines.entries()) {
      const { clients: own } = JSON.parse(line) as { clients: (Said & { clientId: string })[] };
      const file = join(served, `handed-out-${r + 1}`, "verdicts.json");
      const { clients } = JSON.parse(await readFile(file, "utf8")) as {
        clients: (Said & { name: string; status: string })[];
      };
      for (const { clientId, verdict, score } of own) {
        const got = clients.find(({ name }) => name === clientId);
        assert.equal(got?.status, verdict);
        assert.ok(Math.abs(got.score - score) < 1e-6 * (1 + score), `${clientId}: ${got.score}`);
      }
    }
  });
});

/** The result of a client in a round. */
interface Said {
  readonly verdict: string;
  readonly score: number;
}

describe("PEFT adapters", function () {
  this.timeout(300_000);

  requirePython("peft");

  it("are sent as pairs, and CLAIR leaves out the four with random symbols", async () => {
    const { stdout, out } = await runExample(
      `${examples}/tiny_llama.yaml`,
      ["baselines=[]"],
      examples,
      "tiny_llama:make_client",
      "peft",
    );
    assert.match(stdout, /^0 of 4 contaminated flagged · 0 of 12 false alarms · 4 undecided · /m);
    const { params } = decodeSafetensors(await readFile(join(out, "params.safetensors")));
    const names = [...params.keys()].filter((name) => name.startsWith("c00/"));
    assert.ok(names.length > 0 && names.every((name) => /\.lora_[AB]$/.test(name)), names.join());
  });

  it("with a trained head give the same bytes with one host and with two", async () => {
    const bytes = [];
    for (const capacities of [["5"], ["2", "3"]]) {
      const out = await temporaryFolder();
      const trial = fixture("python-classifier");
      const { coordinator, url } = await startCoordinator([trial, "--out", out, "--no-report"]);
      for (const capacity of capacities) {
        const args = ["classifier:make_client", "--capacity", capacity, "--coordinator", url];
        await startPythonHost("apps/client-python/tests", args, { extras: ["peft"] });
      }
      const { code, stderr } = await coordinator.ended;
      assert.equal(code, 0, stderr);
      const files = ["records.jsonl", "params.safetensors"].map((file) => join(out, file));
      bytes.push(await Promise.all(files.map((file) => readFile(file, "base64"))));
      const { params } = decodeSafetensors(await readFile(join(out, "params.safetensors")));
      assert.ok(params.has("global/classifier.weight"));
    }
    assert.deepEqual(bytes[0], bytes[1]);
  });
});
