import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { installPython, requirePython } from "./support/python.js";

const linear = join(workspace, "apps/client-python/examples/linear.yaml");

/** Clients that learn a matrix of rank one with weights of their own, and nothing else. */
const clients = `import os
import numpy as np
from fedclair_host import Client, Update

# With more threads, bytes would depend on the number of hosts and cores.
assert os.environ["OMP_NUM_THREADS"] == "1"

class Own(Client):
    def __init__(self, index):
        self.rng = np.random.default_rng(index)

    def initial(self, job):
        return {"w": np.zeros((8, 6))}

    def train(self, params, job):
        b = np.outer(np.arange(1.0, 9), self.rng.normal(1, 0.2, 6))
        return Update(10, {"w": b - params["w"] + 0.01 * self.rng.normal(size=(8, 6))})

    def evaluate(self, params, job):
        return Update(10, metrics={"size": float(np.abs(params["w"]).sum())})

def make_client(index):
    return Own(index)
`;

const trial = `name: own
rounds: 1
clients: 12
python: model:make_client
task: { name: external, metrics: { size: { better: lower } } }
aggregator: { name: clair, rank: 1 }
attacks: [{ attack: { name: gaussian-update }, clients: [c01, c04] }]
`;

describe("Python clients by one command", function () {
  requirePython();

  let python = "";
  before(async () => {
    python = (await installPython()) ?? "";
  });

  async function writeTrial(model: string, text = trial): Promise<string> {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "model.py"), model);
    const file = join(folder, "trial.yaml");
    await writeFile(file, text);
    return file;
  }

  it("hold what their trial claims", async () => {
    const { code, stdout } = await fedclair(["verify", linear, "--python", python]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /2 passed, 0 failed/);
  });

  it("are contaminated by attacks on updates that the trial names", async () => {
    const file = await writeTrial(clients);
    const out = join(await temporaryFolder(), "run");
    const run = ["run", file, "--out", out, "--json", "--no-report", "--python", python];
    const { code, stdout, stderr } = await fedclair(run);
    assert.equal(code, 0, stderr);
    const { measures } = JSON.parse(stdout) as { measures: Record<string, number> };
    assert.equal(measures["detection.recall"], 1);
    assert.equal(measures["detection.falseAlarms"], 0);
    const records = await readFile(join(out, "records.jsonl"), "utf8");
    assert.match(records, /"clientId":"c01","attack":"gaussian-update"/);
  });

  it("run in sweeps and once for each seed, like single runs", async () => {
    const file = await writeTrial(clients, `${trial}seeds: 2\n`);
    const out = join(await temporaryFolder(), "study");
    const study = ["run", file, "--out", out, "--jobs", "2", "--no-report", "--python", python];
    const { code, stderr } = await fedclair(study);
    assert.equal(code, 0, stderr);
    const single = join(await temporaryFolder(), "single");
    const seed = ["--set", "seeds=1", "--set", "seed=2", "--out", single];
    await fedclair(["run", file, ...seed, "--no-report", "--python", python, "--hosts", "2"]);
    const records = (folder: string) => readFile(join(folder, "records.jsonl"), "utf8");
    assert.equal(await records(join(out, "seed-2")), await records(single));
    const resumed = await fedclair(["resume", single, "--no-report", "--python", python]);
    assert.equal(resumed.code, 0, resumed.stderr);

    const more = ["--no-report", "--python", python];
    const again = await fedclair(["sweep", file, "--out", out, ...more]);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(again.stderr.match(/done before/g)?.length, 2);

    const missing = join(await temporaryFolder(), "missing");
    const failed = await fedclair(["sweep", file, "--out", missing, "--python", "/no/python"]);
    assert.equal(failed.code, 2);
    assert.match(failed.stderr, /2 of 2 trials failed\n.*cannot start Python '\/no\/python'/);
  });

  it("make another run after a change to their code", async () => {
    const file = await writeTrial(clients);
    const place = await temporaryFolder();
    const more = ["--hosts", "1", "--no-report", "--python", python];
    const run = async () => await fedclair(["run", file, ...more], { cwd: place });
    const first = await run();
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual((await readdir(join(place, "runs"))).length, 1);
    assert.match((await run()).stderr, /done before/);
    await writeFile(join(dirname(file), "model.py"), clients.replace("0.01", "0.02"));
    const second = await run();
    assert.equal(second.code, 0, second.stderr);
    const runs = await readdir(join(place, "runs"));
    assert.equal(runs.length, 2);

    const older = runs.find((name) => first.stdout.includes(name)) ?? assert.fail(first.stdout);
    const resumed = await fedclair(["resume", older, ...more], { cwd: join(place, "runs") });
    assert.equal(resumed.code, 2);
    assert.match(resumed.stderr, /the Python code of model has changed since this was started/);
  });

  it("go on after one of them has ended its process, without it and with all others", async () => {
    const ending = clients.replace(
      "    def train(self, params, job):\n",
      `    def train(self, params, job):
        if job.client_id == "c07":
            os._exit(1)
`,
    );
    const file = await writeTrial(ending);
    const out = join(await temporaryFolder(), "run");
    const all = ["--set", "limits.quorum=0.9", "--set", "rounds=2"];
    const more = ["--hosts", "2", "--no-report", "--out", out, "--python", python];
    const { code, stderr } = await fedclair(["run", file, ...all, ...more]);
    assert.equal(code, 5, stderr);
    assert.match(stderr, /2 of 24 client rounds were lost/);
    const records = await readFile(join(out, "records.jsonl"), "utf8");
    const [first = "", second = ""] = records.trim().split("\n");
    const said = "it ended its process with 1 (train of c07 in round 1)";
    assert.ok(first.includes(`"${said}"`), first);
    assert.ok(second.includes(`"not run again: ${said}"`), second);
  });

  it("are named if they end their host while it loads them", async () => {
    const file = await writeTrial("import os\nos._exit(9)\n");
    const { code, stderr } = await fedclair(["run", file, "--hosts", "1", "--python", python]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /ended with 9 \(loading model:make_client\)\n/);
  });

  it("count as lost if their updates have another shape", async () => {
    const wrong = clients.replace(
      '{"w": b - params["w"]',
      '{"w": (b - params["w"])[1 if job.client_id == "c07" else 0 :]',
    );
    const file = await writeTrial(wrong);
    const more = ["--hosts", "1", "--no-report", "--python", python];
    const out = join(await temporaryFolder(), "run");
    const { code, stderr } = await fedclair(["run", file, "--out", out, ...more]);
    assert.equal(code, 5, stderr);
    assert.match(stderr, /1 of 12 client rounds were lost/);
  });

  it("tell which contaminated clients they would find, without those that are declared", async () => {
    const { code, stdout, stderr } = await fedclair(["power", linear, "--python", python]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /: 1 round of 1 seed, 14 clients, nobody contaminated\./);
    assert.match(stdout, /\n6 clients declared contaminated took no part\.\n\n/);
    assert.match(stdout, /^an update scaled by 5 +100 % /m);
    assert.match(stdout, /^An honest client is flagged in 0 % /m);
    // Without the declaration nobody knows that the six are contaminated.
    const set = ["--set", "attacks=[]"];
    const undeclared = await fedclair(["power", linear, ...set, "--python", python]);
    assert.match(
      undeclared.stdout,
      /\nThe truth about 20 clients is unknown; they count as honest/,
    );
    assert.match(undeclared.stdout, /^An honest client is flagged in 100 % /m);
  });

  it("explain, before a round, what keeps their hosts from starting", async () => {
    const broken = await writeTrial(`def load():\n    raise RuntimeError("no data")\n\nload()\n`);
    const importing = await fedclair(["run", broken, "--python", python, "--hosts", "2"]);
    assert.equal(importing.code, 2);
    assert.match(importing.stderr, /model:make_client cannot be imported/);
    assert.match(importing.stderr, /model\.py", line 2, in load[^]*RuntimeError: no data/);
    assert.equal(importing.stderr.match(/^RuntimeError: no data$/gm)?.length, 1);
    const missing = await fedclair(["run", broken, "--python", "/no/python"]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /cannot start Python '\/no\/python'.*--python/);
    const inMemory = await fedclair(["run", broken, "--transport", "memory"]);
    assert.equal(inMemory.code, 2);
    assert.match(inMemory.stderr, /--transport memory: the clients of .* run in Python/);
  });
});

describe("Python clients with a torch model", function () {
  this.timeout(300_000);

  requirePython("torch");

  it("hold what their trial claims, and pass their tests", async () => {
    const python = (await installPython("torch")) ?? "";
    const file = join(workspace, "apps/client-python/examples/torch_clusters.yaml");
    const { code, stdout, stderr } = await fedclair(["verify", file, "--python", python]);
    assert.equal(code, 0, stdout + stderr);
    const tests = join(workspace, "apps/client-python/tests/test_torch.py");
    const tested = spawnSync(python, ["-m", "pytest", "-q", tests], { encoding: "utf8" });
    assert.equal(tested.status, 0, tested.stdout);
  });
});
