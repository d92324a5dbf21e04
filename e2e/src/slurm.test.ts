import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { fedclair } from "./support/command.js";
import { readResultBytes } from "./support/federation.js";
import { requirePrograms } from "./support/programs.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { runReferenceSweep, grid, readSweepBytes } from "./support/sweeps.js";

const run = promisify(execFile);
const script = join(workspace, "scripts/slurm.sh");

describe("a job of Slurm", function () {
  before(function () {
    if (process.env["FEDCLAIR_SERVICES"] !== undefined) return;
    process.stderr.write(
      "tests with a real Slurm are skipped; they run by npm run test:services\n",
    );
    this.skip();
  });
  requirePrograms("slurmctld", "slurmd", "munged", "sbatch");
  let slurm: string;
  let env: Record<string, string>;
  beforeEach(async function () {
    slurm = await temporaryFolder();
    env = { SLURM_CONF: join(slurm, "slurm.conf") };
    const started = await run("bash", [script, "start", slurm]).catch((error: unknown) => {
      process.stderr.write(`tests with Slurm are skipped: it does not start: ${String(error)}\n`);
    });
    if (!started) this.skip();
  });
  afterEach(async () => {
    await run("bash", [script, "stop", slurm]);
  });

  /** Polls, because there is no event for the end of a job. */
  const ended = async () => {
    const options = { env: { ...process.env, ...env } };
    while ((await run("squeue", ["--noheader"], options)).stdout !== "") await delay(100);
  };

  it("of a sweep gives the bytes of the sweep in one process", async () => {
    const file = join(slurm, "grid.yaml");
    await writeFile(file, grid);
    const out = join(slurm, "a folder");
    const args = ["sweep", file, "--out", out, "--jobs", "2"];
    const submitted = await fedclair([...args, "--slurm", "--slurm-options=--time=5"], { env });
    assert.equal(submitted.code, 0, submitted.stderr);
    assert.match(submitted.stdout, /^Submitted batch job \d+: \S+\/a folder\/slurm\/job\.sh\n$/);
    await ended();
    const logs = await Promise.all(
      Array.from({ length: 24 }, (_, i) => readFile(join(out, "slurm", `1-${i}.log`), "utf8")),
    );
    for (const log of logs) assert.match(log, /^1\/1 /m);
    assert.ok(
      logs.some((log) => /^24\/24 /m.test(log)),
      "the last task writes the tables",
    );
    assert.deepEqual(await readSweepBytes(out), await runReferenceSweep());
    const again = await fedclair([...args, "--no-report"]);
    assert.equal(again.stderr.match(/done before/g)?.length, 24);
  });

  it("also runs one trial, with a coordinator and a host on its nodes", async () => {
    const bin = join(slurm, "bin");
    await mkdir(bin);
    const program = join(workspace, "apps/cli/bin/fedclair.js");
    await symlink(program, join(bin, "fedclair"));
    const trial = join(workspace, "trials/linear-regression/gaussian.yaml");
    const [hosts, memory] = [join(slurm, "hosts"), join(slurm, "memory")];
    const job = ["--output=log", join(workspace, "deploy/slurm/trial.sh"), trial, "--out", hosts];
    const path = `${bin}:${process.env["PATH"] ?? ""}`;
    await run("sbatch", job, { cwd: slurm, env: { ...process.env, ...env, PATH: path } });
    await ended();
    assert.match(await readFile(join(slurm, "log"), "utf8"), /flagged 6 of 6/);
    const how = ["--transport", "memory", "--no-report", "--out", memory];
    const alone = await fedclair(["run", trial, ...how]);
    assert.equal(alone.code, 0, alone.stderr);
    assert.deepEqual(await readResultBytes(hosts), await readResultBytes(memory));
    const left = (await readdir(slurm)).filter((name) => name.startsWith(".fedclair-"));
    assert.deepEqual(left, []);
  });
});

describe("a sweep for Slurm", () => {
  it("is a job script that can be submitted elsewhere", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "grid.yaml");
    await writeFile(file, grid);
    const args = ["sweep", file, "--out", join(folder, "it's out"), "--set", "rounds=[1, 2]"];
    const env = { PATH: "/nowhere" };
    const missing = await fedclair([...args, "--slurm"], { env });
    assert.equal(missing.code, 2);
    assert.match(
      missing.stderr,
      /^error: there is no sbatch on this machine: .* sbatch \/.*job\.sh/m,
    );
    const options = ["--slurm-options", "--partition=long --time=2:00:00", "--jobs", "100"];
    const dry = await fedclair([...args, "--slurm-dry-run", ...options], { env });
    assert.equal(dry.code, 0, dry.stderr);
    const path = dry.stdout.trim();
    const text = await readFile(path, "utf8");
    assert.match(text, /^#SBATCH --array=0-47%100$/m);
    assert.match(text, /^#SBATCH --partition=long --time=2:00:00$/m);
    assert.match(
      text,
      / sweep \S+grid\.yaml --out '\/\S+it'\\''s out' --set 'rounds=\[1, 2\]' --share "\$SLURM_ARRAY_TASK_ID\/48"$/m,
    );
    await run("bash", ["-n", path]);
    const bad = await fedclair([...args, "--slurm-options", "a\nrm b"], { env });
    assert.match(bad.stderr, /--slurm-options: expected one line/);
    const both = await fedclair([...args, "--slurm", "--queue", "redis://127.0.0.1"], { env });
    assert.match(both.stderr, /'--slurm' cannot be used with option '--queue/);
  });
});
