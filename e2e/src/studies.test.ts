import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { temporaryFolder } from "./support/paths.js";

const trial = `name: small
claim: Two seeds.
rounds: 1
clients: 6
task: { name: linear-regression }
aggregator: { name: fedavg }
baselines: [{ label: local, aggregator: { name: local } }]
seeds: 2
`;

interface Listed {
  readonly sweeps: readonly { readonly file: string; readonly trials: number }[];
  readonly studies: readonly object[];
}

describe("a study", () => {
  let cwd = "";
  const succeed = async (...args: string[]) => {
    const { code, stdout, stderr } = await fedclair(args, { cwd });
    assert.equal(code, 0, stderr);
    return { stdout, stderr };
  };
  const read = (path: string) => readFile(join(cwd, path), "utf8");
  const lines = async (path: string) => (await read(path)).trimEnd().split(/\r?\n/);

  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), "fedclair-study-"));
    await writeFile(join(cwd, "small.yaml"), trial);
    await succeed("run", "small.yaml", "--out", "runs/small", "--no-report");
    await mkdir(join(cwd, "csv-less"));
  });
  after(() => rm(cwd, { recursive: true }));

  it("is listed with the number of its runs that are done", async () => {
    const { stdout } = await succeed("list", ".");
    assert.match(stdout, /^sweep +trials\nsmall\.yaml +2$/m);
    assert.match(stdout, /^study or sweep +runs done\nruns\/small +2 of 2$/m);
    const { sweeps, studies } = JSON.parse((await succeed("list", ".", "--json")).stdout) as Listed;
    assert.deepEqual(
      sweeps.map(({ file, trials }) => [file, trials]),
      [["small.yaml", 2]],
    );
    assert.deepEqual(studies, [{ folder: "runs/small", name: "small", trials: 2, finished: 2 }]);
  });

  it("is listed with its folder too, and so are its runs", async () => {
    assert.match((await succeed("list", "runs")).stdout, /^runs\/small +2 of 2$/m);
    assert.match((await succeed("list", "runs/small")).stdout, /^runs\/small\/seed-1 +done /m);
    assert.match((await succeed("list", "csv-less")).stdout, /^nothing to list in csv-less$/m);
  });

  it("is exported as one table per kind of row, with run and seed in each", async () => {
    await succeed("export", "runs/small", "--to", "csv", "--out", "csv");
    const [head, ...rounds] = await lines("csv/rounds.csv");
    assert.match(head ?? "", /^run,seed,arm,round,/);
    assert.deepEqual(
      rounds.map((line) => line.split(",").slice(0, 4).join()),
      ["seed-1,1,fedavg,1", "seed-1,1,local,1", "seed-2,2,fedavg,1", "seed-2,2,local,1"],
    );
    const measures = await lines("csv/measures.csv");
    assert.equal(measures[0], "run,seed,measure,value,n");
    const errors = measures.filter((line) => line.includes(",error.fedavg,"));
    const values = errors.map((line) => Number(line.split(",")[3]));
    assert.equal(values.length, 2);
    // The mean over seeds is that of the runs.
    const mean = (await lines("csv/means.csv")).find((line) => line.startsWith("error,,fedavg,,"));
    const average = values.reduce((sum, value) => sum + value, 0) / 2;
    assert.ok(Math.abs(Number(mean?.split(",")[4]) - average) <= 1e-12 * average);

    await succeed("export", "runs/small", "--to", "json", "--out", "rounds.jsonl");
    const seeds = (await lines("rounds.jsonl")).map(
      (line) => (JSON.parse(line) as { seed: number }).seed,
    );
    assert.deepEqual([...new Set(seeds)], [1, 2]);
  });

  it("is resumed: only the runs that are missing run, with the same results", async () => {
    const results = await read("runs/small/summary.json");
    const kept = await read("runs/small/seed-1/run.json");
    await rm(join(cwd, "runs/small/seed-2"), { recursive: true });
    await rm(join(cwd, "runs/small/summary.json"));
    const early = await succeed("export", "runs/small", "--to", "csv", "--out", "early");
    assert.match(early.stderr, /runs\/small: 1 runs are not done; exporting what there is/);
    assert.match((await succeed("list", ".")).stdout, /^runs\/small +1 of 2$/m);

    await succeed("resume", "runs/small", "--no-report");
    assert.equal(await read("runs/small/summary.json"), results);
    assert.equal(await read("runs/small/seed-1/run.json"), kept);
  });

  it("is not resumed if its file has changed, or with options of single runs", async () => {
    await writeFile(join(cwd, "small.yaml"), trial.replace("clients: 6", "clients: 7"));
    const changed = await fedclair(["resume", "runs/small"], { cwd });
    assert.equal(changed.code, 2);
    assert.match(
      changed.stderr,
      /small\.yaml', a plug-in or Python code has changed since 'runs\/small'/,
    );
    await writeFile(join(cwd, "small.yaml"), trial);
    const single = await fedclair(["resume", "runs/small", "--hosts", "2"], { cwd });
    assert.equal(single.code, 2);
    assert.match(single.stderr, /--hosts is for a single run: several seeds run --jobs at a time/);
  });
});

describe("a task's notice about its data", () => {
  it("is printed when a run starts, and not if there is nothing to say", async () => {
    const cwd = await temporaryFolder();
    const rows = [1, 2, 3, 4].flatMap((x) => ["a", "b"].map((client) => `${client},${x},${2 * x}`));
    await writeFile(join(cwd, "data.csv"), ["client,x,y", ...rows, ""].join("\n"));
    const own = `name: own
rounds: 1
clients: 2
task:
  name: table
  source: { file: data.csv, columns: { outputs: [y], inputs: [x], client: client } }
aggregator: { name: fedavg }
`;
    await writeFile(join(cwd, "own.yaml"), own);
    const run = (...args: string[]) =>
      fedclair(["run", "own.yaml", "--no-report", ...args], { cwd });
    const notice = /2 clients; the first 1 take part, from 'a' to 'a'/;
    const all = await run("--out", "all", "--transport", "memory");
    const one = await run("--out", "one", "--set", "clients=1", "--hosts", "1");
    assert.deepEqual([all.code, one.code], [0, 0], all.stderr + one.stderr);
    assert.doesNotMatch(all.stderr, notice);
    assert.match(one.stderr, notice);
  });
});
