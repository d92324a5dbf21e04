import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import yaml from "yaml";
import Ajv from "ajv";
import { fedclair } from "./support/command.js";
import { listShipped } from "./support/shipped.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";

const trial = fixture("linear-regression");

async function json(args: readonly string[], cwd?: string): Promise<unknown> {
  const { code, stdout, stderr } = await fedclair(args, cwd === undefined ? {} : { cwd });
  assert.equal(code, 0, stderr);
  // JSON.parse fails if there is more than one document or any other text.
  return JSON.parse(stdout);
}

/** Checks that JSON and text describe the plug-ins of a kind. @param name that of one of them */
async function checkDescriptions(kind: string, name: string) {
  const described = (await json(["plugins", kind, "--json"])) as {
    name: string;
    summary: string;
    tasks?: string[];
  }[];
  assert.ok(described.some((plugin) => plugin.name === name && plugin.summary !== ""));
  const { stdout: text } = await fedclair(["plugins", kind]);
  for (const plugin of described) {
    assert.ok(text.includes(`${plugin.name}  ${plugin.summary}`), plugin.name);
  }
  return { described, text };
}

describe("the command", () => {
  it("suggests what to do next, without arguments", async () => {
    const { code, stdout } = await fedclair([]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^ {2}(npx )?fedclair new .*\n {2}(npx )?fedclair run .*\n {2}(npx )?fedclair audit /m,
    );
  });

  describe("rejects with exit code 2, nothing on stdout and no run folder", () => {
    const badKey = "name: bad\nrounds: 1\nclients: 2\ntask: { name: linear-regression, p: none }\n";
    const cases: [string, readonly string[], RegExp][] = [
      ["a bad trial file", ["run", "bad.yaml"], /bad\.yaml:4:37: task\.p: expected number/],
      ["a missing file", ["run", "none.yaml"], /cannot read the trial file 'none\.yaml': ENOENT/],
      ["an unknown option", ["run", trial, "--hots", "2"], /unknown option '--hots'/],
      ["an unknown command", ["ran", trial], /unknown command 'ran'/],
      ["a missing argument", ["run"], /missing required argument 'trial'/],
      ["a number that is none", ["run", trial, "--hosts", "two"], /--hosts: expected .* 'two'/],
      ["a transport that is none", ["run", trial, "--transport", "pigeon"], /memory/],
      ["a folder that is no run", ["report", "."], /'\.' is no run folder/],
      [
        "a run folder inside a file",
        ["run", trial, "--out", "bad.yaml/run"],
        /a file stands where/,
      ],
      ["a run folder without a name", ["run", trial, "--out", ""], /'': there is no such file/],
      [
        "a sweep for a trial",
        ["run", join(workspace, "sweeps/attack-table.yaml")],
        /use (npx )?fedclair sw/,
      ],
      [
        "more hosts than a machine can run",
        ["run", trial, "--hosts", "100000"],
        /--hosts: expected at most \d+ processes on this machine .*, got 100000/,
      ],
      [
        "more jobs than a machine can run",
        ["sweep", trial, "--jobs", "100000"],
        /--jobs: expected at most \d+ processes/,
      ],
      ["a bad trial file by hand", ["coordinator", "bad.yaml"], /bad\.yaml:4:37/],
      ["a missing address", ["client", "--capacity", "2"], /--coordinator <url>' not specified/],
      [
        "an address with a path",
        ["client", "--capacity", "2", "--coordinator", "http://127.0.0.1:9/trial"],
        /expected https:\/\/host:port and nothing behind, got 'http:\/\/127\.0\.0\.1:9\/trial'/,
      ],
    ];
    for (const [what, args, message] of cases) {
      it(what, async () => {
        const cwd = await temporaryFolder();
        await writeFile(join(cwd, "bad.yaml"), badKey);
        const { code, stdout, stderr } = await fedclair(args, { cwd });
        assert.equal(code, 2, stderr);
        assert.match(stderr, message);
        assert.equal(stdout, "");
        assert.doesNotMatch(stderr, /^ +at /m, "a stack is for faults of the program");
        assert.deepEqual(await readdir(cwd), ["bad.yaml"]);
      });
    }
  });

  it("--help lists the commands by job", async () => {
    const { code, stdout } = await fedclair(["--help"]);
    assert.equal(code, 0);
    for (const name of ["run", "verify", "list", "report", "plugins", "coordinator", "client"]) {
      assert.match(stdout, new RegExp(`^ +${name} `, "m"));
    }
    const groups = [...stdout.matchAll(/^(\S.*):$/gm)].map(([, group]) => group);
    assert.deepEqual(groups, [
      "Options",
      "Start",
      "Run trials",
      "Look at results",
      "Run again and check",
      "LoRA adapters",
      "Many machines",
      "Help",
    ]);
  });

  for (const [kind, name] of [
    ["tasks", "text-copy"],
    ["attacks", "broken"],
  ] as const) {
    it(`plugins ${kind} describes each plug-in and its options`, async () => {
      await checkDescriptions(kind, name);
    });
  }

  it("plugins aggregators also marks those that belong to one task, and describes alternatives", async () => {
    const { described, text } = await checkDescriptions("aggregators", "clair");
    const owned = described.flatMap(({ name, tasks }) => (tasks ? [[name, ...tasks]] : []));
    assert.deepEqual(owned, [
      ["cosine-rule", "alberdice"],
      ["matched-average", "copy-average"],
      ["redistillation", "copy-average"],
      ["moment-subspace", "evaluation-bias"],
      ["covariance-distance", "graph-learning"],
      ["covariance-low-rank", "graph-learning"],
    ]);
    for (const [name, task] of owned) {
      assert.match(text, new RegExp(`^${name}  .* \\(only for task ${task}\\)$`, "m"));
    }
    assert.equal(text.match(/only for task/g)?.length, owned.length);
    assert.match(text, /^ {4}rule \["evidence"\] {2}How contaminated clients are found\.$/m);
    assert.match(text, /^ {6}by: gap {2}.*\n {8}minGap \[1\.3\] {2}.*\n {6}by: evidence {2}/m);
  });

  it("plugins --schema prints a JSON Schema that accepts the trial files and rejects a misspelt key", async () => {
    const schema = (await json(["plugins", "--schema"])) as Record<string, unknown>;
    assert.equal(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    const valid = new Ajv({ allErrors: true }).compile(schema);
    const files = (await listShipped("trials")).map((file) => join(workspace, file));
    assert.ok(files.length > 0);
    for (const file of [...files, fixture("text-copy")]) {
      const content = yaml.parse(await readFile(file, "utf8")) as Record<string, unknown>;
      assert.ok(valid(content), `${file}: ${JSON.stringify(valid.errors)}`);
      assert.ok(!valid({ ...content, claimm: "" }), file);
    }
  });

  it("run and list --json print one document; list shows the trial and the run", async () => {
    const cwd = await temporaryFolder();
    const trialFile = join(cwd, "trials", "a.yaml");
    await mkdir(join(cwd, "trials"));
    await copyFile(trial, trialFile);
    const summary = (await json(["run", trialFile, "--transport", "memory", "--json"], cwd)) as {
      arms: string[];
    };
    assert.deepEqual(summary.arms, ["clair", "fedavg", "oracle"]);
    const [name = ""] = await readdir(join(cwd, "runs"));
    assert.match(name, /^linear-regression-small-1-[0-9a-f]{8}$/);
    const folder = join("runs", name);
    assert.ok(existsSync(join(cwd, folder, "report.html")));
    const listed = (await json(["list", "--json"], cwd)) as Record<string, object[]>;
    const task = "linear-regression";
    const claim = "CLAIR flags the two clients that send noise.";
    assert.deepEqual(listed["trials"], [{ file: "trials/a.yaml", task, clients: 10, claim }]);
    const [run] = listed["runs"] as { folder: string; status: string; summary: unknown }[];
    assert.deepEqual([run?.folder, run?.status], [folder, "done"]);
    assert.deepEqual(run?.summary, summary);
    await writeFile(join(cwd, "trials", "b.yaml"), "name: [bad\n");
    await copyFile(join(workspace, "sweeps", "attack-table.yaml"), join(cwd, "trials", "c.yaml"));
    await writeFile(join(cwd, "trials", "compose.yaml"), "services: {}\n");
    await mkdir(join(cwd, "runs", "torn"));
    await writeFile(join(cwd, "runs", "torn", "summary.json"), '{"name":');
    const { code, stdout, stderr } = await fedclair(["list"], { cwd });
    assert.equal(code, 2);
    assert.equal(stderr, "error: cannot read trials/b.yaml: the list says why\n");
    assert.match(stdout, /^trial +task +clients\ntrials\/a\.yaml +linear-regression +10$/m);
    const verdict = "0 of 2 contaminated flagged · 0 of 8 false alarms · 8 undecided";
    const row = `^${folder} +done +6 +20.* +1 +${verdict} +error\\.clair +\\d`;
    assert.match(stdout, new RegExp(row, "m"));
    assert.match(stdout, /^trials\/b\.yaml +trials\/b\.yaml:2:1: Flow sequence/m);
    assert.match(stdout, /^sweep +trials\ntrials\/c\.yaml +\d+$/m);
    assert.doesNotMatch(stdout, /What attacks do|torn|compose/);
    const { stdout: one } = await fedclair(["list", folder], { cwd });
    assert.match(one, new RegExp(row, "m"));
  });

  it("run shows a finished run again without touching it; --again starts a new one", async () => {
    const cwd = await temporaryFolder();
    const how = ["run", trial, "--transport", "memory", "--no-report", "--name", "pilot"];
    const first = await fedclair(how, { cwd });
    assert.equal(first.code, 0, first.stderr);
    const summary = await readFile(join(cwd, "runs/pilot/summary.json"), "utf8");
    const again = await fedclair(how, { cwd });
    assert.match(again.stderr, /^done before, 20.*: --again runs it again$/m);
    assert.deepEqual([again.code, again.stdout], [0, first.stdout]);
    const other = await fedclair([...how, "--set", "rounds=1"], { cwd });
    assert.equal(other.code, 2, other.stdout);
    assert.match(other.stderr, /'runs\/pilot' holds a run of .*, made from other contents/);
    const anew = await fedclair([...how, "--set", "rounds=1", "--again"], { cwd });
    assert.match(anew.stdout, /^run: runs\/pilot-2$/m);
    assert.equal(await readFile(join(cwd, "runs/pilot/summary.json"), "utf8"), summary);

    const shown = await fedclair(["show", "runs/pilot"], { cwd });
    assert.match(shown.stdout, /^runs\/pilot: done, began 20.*\n\nclient +true state/);
    const compared = await fedclair(["compare", "runs/pilot", "runs/pilot-2", "--html", "c.html"], {
      cwd,
    });
    assert.equal(compared.code, 0, compared.stderr);
    assert.match(compared.stdout, /^trial +pilot +pilot-2\nrounds +2 +1\n/);
    assert.match(compared.stdout, /^error +[\d.]+ +[\d.]+$/m);
    assert.match(await readFile(join(cwd, "c.html"), "utf8"), /<svg/);
    await writeFile(join(cwd, "runs/pilot/notes.md"), "mine");
    const removed = await fedclair(["rm", "runs/pilot", "runs/pilot-2"], { cwd });
    assert.equal(removed.stdout, "removed runs/pilot, but for notes.md\nremoved runs/pilot-2\n");
    assert.deepEqual(await readdir(join(cwd, "runs"), { recursive: true }), [
      "pilot",
      "pilot/notes.md",
    ]);
    const missing = await fedclair(["show", "runs/pilot-2"], { cwd });
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /'runs\/pilot-2' holds no run/);
  });

  it("plugins --schema describes whole trial files, not one kind of plug-in", async () => {
    const { code, stderr } = await fedclair(["plugins", "tasks", "--schema"]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: --schema describes whole trial files: leave out the kind 'tasks'$/m,
    );
  });

  it("stops silently when the reader of its output goes away", async () => {
    const bin = join(workspace, "apps/cli/bin/fedclair.js");
    const child = spawn(process.execPath, [bin, "plugins", "--schema"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [code] = (await once(child, "close")) as [number | null];
    assert.deepEqual([code, said], [0, ""]);
  });

  it("verify passes values inside the expected range and exits with 4 for others", async () => {
    const folder = await temporaryFolder();
    const foreign = `name: foreign
rounds: 1
clients: 3
task: { name: external }
aggregator: { name: clair }
expect: { measures: { detection.falseAlarms: { max: 0 } } }
`;
    await writeFile(join(folder, "a.yaml"), foreign);
    await copyFile(trial, join(folder, "b.yaml"));
    await writeFile(join(folder, "c.yaml"), `${foreign}python: model:make_client\n`);
    const measured = /: measured [\d.]+; expected ≥ \d(?: and ≤ 1)?$/m;
    // Where verify leaves its runs, and a virtual environment that is not there.
    const env = { TMPDIR: await temporaryFolder(), VIRTUAL_ENV: join(folder, "none") };
    const met = await fedclair(["verify", folder, "--jobs", "1"], { env });
    assert.equal(met.code, 0, met.stderr);
    assert.match(met.stderr, /left out .*c\.yaml: cannot start Python '.*name an interpreter/);
    assert.match(met.stderr, /left out .*a\.yaml: task external: .*fedclair-host/);
    assert.match(met.stdout, /^ {2}ok {3}detection\.recallMean/m);
    assert.match(met.stdout, measured);
    assert.match(met.stdout, /^1 passed, 0 failed, \d trials? left out$/m);

    const beyond = "expect.measures={ detection.recallMean: { min: 2 } }";
    const unmet = await fedclair(["verify", trial, "--set", beyond], { env });
    assert.equal(unmet.code, 4, unmet.stderr);
    assert.match(unmet.stdout, /^ {2}FAIL detection\.recallMean/m);
    assert.match(unmet.stdout, measured);
    assert.match(unmet.stderr, /1 of 1 measures lie outside their range/);

    const misspelt = "expect.measures={ detection.recalMean: { min: 0 } }";
    const unknown = await fedclair(["verify", trial, "--set", misspelt], { env });
    assert.equal(unknown.code, 2, unknown.stderr);
    assert.match(
      unknown.stderr,
      /expect\.measures: no trial can have detection\.recalMean, did you/,
    );

    const alone = await fedclair(["verify", join(folder, "a.yaml")], { env });
    assert.equal(alone.code, 2, alone.stderr);
    assert.match(alone.stderr, /left out .*a\.yaml: task external: .*fedclair-host/);
    assert.match(alone.stderr, /none of the trials under .* can be run here/);
  });

  it("verify continues after a trial that ends in an error", async () => {
    const folder = await temporaryFolder();
    const text = await readFile(trial, "utf8");
    await writeFile(
      join(folder, "a.yaml"),
      text.replace("rounds: ", "limits: { quorum: 1 }\nrounds: "),
    );
    await writeFile(join(folder, "b.yaml"), text);
    const broken = "attacks=[{ attack: { name: broken, kind: crash }, count: 2 }]";
    const env = { TMPDIR: folder };
    const { code, stdout, stderr } = await fedclair(["verify", folder, "--set", broken], { env });
    assert.equal(code, 4, stderr);
    assert.match(
      stdout,
      /a\.yaml: .*\n {2}FAIL seed 1 ended with 3; its run lies in .*\nerror: round 1/,
    );
    assert.match(stdout, /^ {2}FAIL detection\.recallMean: measured absent/m);
    assert.match(stdout, /b\.yaml: [^]*^\d passed, \d failed\n$/m);
  });
});
