import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { fedclair, runSmall, start, type CommandResult } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";

const modules = ["mean-estimation.js", "near-median.js", "reverse.js"];
const quick = ["--transport", "memory", "--no-report"];

/** Runs the command in a folder, for somebody whose list of known code lies in `state`. */
const inFolder =
  (folder: () => string) =>
  (state: string, ...args: readonly string[]): Promise<CommandResult> =>
    fedclair(args, { cwd: folder(), env: { XDG_STATE_HOME: state } });

describe("a folder from somebody else", () => {
  /** The folder of a study, with runs in it, which its author made. */
  let folder: string;
  /** Exists if a module of the study, or its Python, has run. */
  let trace: string;
  /** Where the author's list of known code is, and the reader's. */
  let author: string;
  let reader: string;

  const as = inFolder(() => folder);

  before(async () => {
    const place = await temporaryFolder();
    [folder, trace] = [join(place, "study"), join(place, "trace")];
    author = join(place, "author");
    await cp(join(workspace, "apps/cli/templates/own-method"), folder, { recursive: true });
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
    const write = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(trace)}, "");\n`;
    for (const name of modules) {
      const code = await readFile(join(folder, name), "utf8");
      await writeFile(join(folder, name), write + code);
    }
    const trial = await readFile(join(folder, "trial.yaml"), "utf8");
    await mkdir(join(folder, "claims"));
    await writeFile(join(folder, "claims/claim.yaml"), trial.replaceAll("./", "../"));
    await writeFile(
      join(folder, "grid.yaml"),
      trial
        .replace(/^expect:[^]*/m, "sweep: { measures: [global.error.near-median] }\n")
        .replace("strength: 3", "strength: [3, 30]"),
    );
    for (const args of [
      ["run", "trial.yaml", ...quick, "--keep-checkpoints", "100", "--out", "runs/one"],
      ["replay", "runs/one", "--without", "c03", ...quick],
      ["sweep", "grid.yaml", "--out", "runs/grid"],
    ]) {
      const { code, stderr } = await as(author, ...args);
      assert.equal(code, 0, stderr);
    }
  });
  beforeEach(async () => {
    await rm(trace, { force: true });
    reader = await temporaryFolder();
  });

  /** Asserts that nothing ran, and that the error names the first module and both ways on. */
  function assertRefused({ code, stderr }: CommandResult): void {
    assert.equal(code, 2, stderr);
    assert.match(stderr, /would run code that you have not run before, or that has changed since:/);
    assert.match(stderr, /\n {2}\S.*mean-estimation\.js'?/);
    assert.ok(stderr.includes(`--plugin ${join(folder, "mean-estimation.js")}`), stderr);
    assert.match(stderr, /or all that the trial names by --trust/);
    assert.ok(!existsSync(trace), stderr);
  }

  it("runs nothing in commands that only look", async () => {
    for (const args of [
      ["list", "claims"],
      ["list", "trial.yaml"],
      ["list", "grid.yaml", "--json"],
      ["show", "runs/one"],
      ["show", "runs/grid"],
      ["compare", "runs/one", "runs/one-without-c03"],
      ["report", "runs/one"],
      ["report", "runs/grid"],
      ["export", "runs/one", "--to", "csv", "--out", "csv"],
      ["replay", "runs/one", "--without", "flagged", ...quick], // no update of them was pooled
      ["export", "runs/grid", "--to", "json", "--out", "grid.jsonl"],
    ]) {
      const { stderr } = await as(reader, ...args);
      assert.ok(!existsSync(trace), `${args.join(" ")} ran code\n${stderr}`);
    }
    const listed = await as(reader, "list", "trial.yaml");
    assert.match(listed.stdout, /^trial\.yaml +mean-estimation +12$/m);
    const grid = await as(reader, "list", "grid.yaml");
    assert.match(grid.stdout, /^grid\.yaml +unknown$/m);
    assert.match((await as(author, "list", "grid.yaml")).stdout, /^grid\.yaml +2$/m);
  });

  it("runs nothing while it is shown in a browser", async () => {
    const env = { XDG_STATE_HOME: reader };
    const command = start(["view", "runs", "--no-open"], { cwd: folder, env });
    const url = await command.waitForOutput(/page of .*: (http\S+)/);
    for (const path of [
      "/api/list",
      "/api/sweep?run=grid",
      "/api/client?run=one&client=c00",
      "/api/round?run=one&arm=near-median&round=1",
      "/compare?run=one&run=one-without-c03",
    ]) {
      await (await fetch(url + path)).text();
    }
    const events = await fetch(`${url}/api/events?run=one`);
    for await (const first of events.body as unknown as AsyncIterable<Uint8Array>) {
      assert.match(new TextDecoder().decode(first), /near-median/);
      break;
    }
    assert.ok(!existsSync(trace));
    command.kill("SIGTERM", "group");
    await command.ended;
  });

  it("runs nothing in commands that run it again, until the user allows it", async () => {
    await rm(join(folder, "runs/grid/summary.json"), { force: true });
    for (const args of [
      ["verify", "runs/one"],
      ["verify", "claims"],
      ["resume", "runs/one", ...quick],
      ["resume", "runs/one", "--no-report"],
      ["resume", "runs/grid"],
      ["replay", "runs/one", "--without", "c04", ...quick],
      ["replay", "runs/one", "--most-suspicious", "1", ...quick],
    ]) {
      assertRefused(await as(reader, ...args));
    }
    assert.ok(!(await readdir(join(folder, "runs"))).includes("one-without-c04"));
  });

  it("runs after --plugin for each module or --trust, and from then on without", async () => {
    const check = ["verify", "runs/one", "--rounds", "1"];
    const one = ["--plugin", join(folder, "mean-estimation.js")];
    const partly = await as(reader, ...check, ...one);
    assert.equal(partly.code, 2);
    assert.match(partly.stderr, /near-median\.js/);
    assert.doesNotMatch(partly.stderr, /mean-estimation\.js/);
    assert.ok(!existsSync(trace));
    const all = modules.flatMap((name) => ["--plugin", `./${name}`]);
    for (const args of [[...check, ...all], check]) {
      const { code, stderr } = await as(reader, ...args);
      assert.equal(code, 0, stderr);
    }
    const other = await temporaryFolder();
    const resume = ["resume", "runs/one", ...quick];
    for (const args of [[...resume, "--trust"], resume, check]) {
      const { code, stderr } = await as(other, ...args);
      assert.equal(code, 0, stderr);
    }
  });

  it("is asked about at a terminal, and runs after a yes", async function () {
    if (process.platform !== "linux") this.skip(); // other systems have another `script`
    const ask = async (answer: string) => {
      const command = `${process.execPath} ${join(workspace, "apps/cli/bin/fedclair.js")} verify runs/one --rounds 1`;
      const child = spawn("script", ["-qec", command, "/dev/null"], {
        cwd: folder,
        env: { ...process.env, XDG_STATE_HOME: reader, NO_COLOR: "1" },
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (/\[y\/N\] $/.test(text)) child.stdin.write(`${answer}\n`);
      });
      const [code] = (await once(child, "close")) as [number];
      return { code, output };
    };
    const no = await ask("");
    assert.equal(no.code, 2, no.output);
    assert.match(
      no.output,
      /reverse\.js[^]*the code that 'runs\/one\/trial\.yaml' names was not run/,
    );
    assert.ok(!existsSync(trace));
    const yes = await ask("y");
    assert.equal(yes.code, 0, yes.output);
    assert.match(yes.output, /(\d) of \1 compared rounds? identical/);
  });

  it("does not stop its author", async () => {
    for (const args of [
      ["verify", "runs/one", "--rounds", "1"],
      ["resume", "runs/one", ...quick],
      ["resume", "runs/grid"],
      ["replay", "runs/one", "--most-suspicious", "1", ...quick],
    ]) {
      const { code, stderr } = await as(author, ...args);
      assert.equal(code, 0, stderr);
    }
  });

  it("is compared with its recorded hashes before any of its code runs", async () => {
    const file = join(folder, "reverse.js");
    const before = await readFile(file, "utf8");
    await appendFile(file, "// another\n");
    const changed = await as(reader, "verify", "runs/one", "--trust");
    await writeFile(file, before);
    assert.equal(changed.code, 2);
    assert.match(changed.stderr, /the trial's attack 'reverse' is version .*, this process has/);
    assert.ok(!existsSync(trace));
  });

  it("cannot bring a replay of its own that runs other code", async () => {
    const place = await temporaryFolder();
    const run = await runSmall("linear-regression", "--keep-checkpoints", "100");
    const copy = join(place, "copy");
    await cp(run, copy, { recursive: true });
    const replay = ["replay", copy, "--without", "c03", ...quick];
    const first = await as(reader, ...replay);
    assert.equal(first.code, 0, first.stderr);
    const plugins = `plugins: [${JSON.stringify(join(folder, "reverse.js"))}]\n`;
    await appendFile(join(`${copy}-without-c03`, "trial.yaml"), plugins);
    const second = await as(reader, ...replay);
    assert.equal(second.code, 2);
    assert.match(second.stderr, /would run code[^]*reverse\.js/);
    assert.ok(!existsSync(trace));
  });

  it("starts no Python until the user allows it", async () => {
    const run = await runSmall("linear-regression");
    const python = join(await temporaryFolder(), "python");
    await writeFile(python, `#!/bin/sh\ntouch '${trace}'\n`);
    await chmod(python, 0o755);
    await writeFile(join(folder, "model.py"), "");
    for (const key of ["python: 'model:make'", "flower: { app: 'model:app' }"]) {
      const trial = await readFile(join(run, "trial.yaml"), "utf8");

      await writeFile(join(run, "trial.yaml"), `${trial}${key}\n`);
      await cp(join(folder, "model.py"), join(run, "model.py"));
      const { code, stderr } = await as(reader, "resume", run, "--python", python);
      await writeFile(join(run, "trial.yaml"), trial);
      assert.equal(code, 2);
      assert.match(stderr, /would run code[^]*Python in .*: model\n/);
      assert.match(stderr, /allow it by --trust/);
      assert.ok(!existsSync(trace));
    }
  });
});

describe("data elsewhere that a folder from somebody else names", () => {
  let folder: string;
  let secret: string;
  let author: string;
  let reader: string;

  const as = inFolder(() => folder);

  before(async () => {
    const place = await temporaryFolder();
    [folder, secret, author] = [join(place, "study"), join(place, "secret.csv"), join(place, "a")];
    const shipped = join(workspace, "trials/table");
    await mkdir(join(folder, "claims"), { recursive: true });
    const trial = await readFile(join(shipped, "pupils.yaml"), "utf8");
    const [, file = ""] = /file: ([\w./-]+)/.exec(trial) ?? [];
    await cp(join(shipped, file), secret);
    const claim = trial.replace(file, "../../secret.csv");
    await writeFile(join(folder, "claims/trial.yaml"), claim);
    await cp(join(shipped, file), join(folder, "claims/own.csv"));
    await writeFile(join(folder, "claims/own.yaml"), trial.replace(file, "own.csv"));
    const args = ["run", "claims/trial.yaml", ...quick, "--out", "one", "--set", "rounds=1"];
    const { code, stderr } = await as(author, ...args);
    assert.equal(code, 0, stderr);
    assert.equal((await as(author, "verify", "one")).code, 0);
  });
  beforeEach(async () => {
    reader = await temporaryFolder();
  });

  it("is not read, until the user allows it", async () => {
    for (const args of [
      ["verify", "one"],
      ["verify", "claims"],
      ["resume", "one", ...quick],
      ["replay", "one", "--without", "c00", ...quick],
    ]) {
      const { code, stderr } = await as(reader, ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /would read files outside its folder that no run of yours has read/);
      assert.ok(stderr.includes(`\n  ${secret}\nallow it by --trust`), stderr);
    }
    for (const more of [["--trust"], []]) {
      const { code, stderr } = await as(reader, "verify", "one", ...more);
      assert.equal(code, 0, stderr);
    }
  });

  it("is not read by commands that only look", async () => {
    await writeFile(
      join(folder, "claims/trace.yaml"),
      `${await readFile(join(folder, "claims/own.yaml"), "utf8")}
devices: { trace: ${secret} }\n`,
    );
    const { stdout, stderr } = await as(reader, "list", "claims");
    assert.match(stdout, /^claims\/trace\.yaml +table/m, stderr);
    await writeFile(secret, "words that nobody should see");
    for (const args of [
      ["show", "one"],
      ["report", "one"],
    ]) {
      const shown = await as(reader, ...args);
      assert.equal(shown.code, 0, shown.stderr);
      assert.match((await as(author, ...args)).stderr, /secret\.csv has no column/);
    }
  });
});
