import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { bytesOnDisk, grid, sweepBytes } from "./support/sweeps.js";
import { takesPrograms } from "./support/valkey.js";

const run = promisify(execFile);
const script = join(workspace, "scripts/slurm.sh");

describe("a sweep as jobs of Slurm", function () {
  this.timeout(120_000);
  takesPrograms("slurmctld", "slurmd", "munged", "sbatch");
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

  it("leaves the bytes of the sweep in one process", async () => {
    const file = join(slurm, "grid.yaml");
    await writeFile(file, grid);
    const out = join(slurm, "a folder");
    const args = ["sweep", file, "--out", out, "--jobs", "2"];
    const submitted = await fedclair([...args, "--slurm", "--slurm-options=--time=5"], { env });
    assert.equal(submitted.code, 0, submitted.stderr);
    assert.match(submitted.stdout, /^Submitted batch job \d+: \S+\/a folder\/slurm\/job\.sh\n$/);
    const jobs = async () =>
      (await run("squeue", ["--noheader"], { env: { ...process.env, ...env } })).stdout;
    while ((await jobs()) !== "") await delay(100); // there is no event for the end of a job
    const logs = await Promise.all(
      [0, 1].map((i) => readFile(join(out, "slurm", `1-${i}.log`), "utf8")),
    );
    for (const log of logs) assert.match(log, /^24\/24 /m);
    assert.deepEqual(await sweepBytes(out), await bytesOnDisk());
    const again = await fedclair(args);
    assert.equal(again.stderr.match(/done before/g)?.length, 24);
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
    assert.match(text, /^#SBATCH --array=0-47$/m); // no more tasks than trials
    assert.match(text, /^#SBATCH --partition=long --time=2:00:00$/m);
    assert.match(text, / sweep \S+grid\.yaml --out '\/\S+it'\\''s out' --set 'rounds=\[1, 2\]'$/m);
    await run("bash", ["-n", path]);
    const bad = await fedclair([...args, "--slurm-options", "a\nrm b"], { env });
    assert.match(bad.stderr, /--slurm-options: expected one line/);
    const both = await fedclair([...args, "--slurm", "--queue", "redis://127.0.0.1"], { env });
    assert.match(both.stderr, /'--slurm' cannot be used with option '--queue/);
  });
});
