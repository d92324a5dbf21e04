import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bfloat16, saveAdapters } from "./support/adapters.js";
import { fedclair, start } from "./support/command.js";
import { temporaryFolder } from "./support/paths.js";

interface Audit {
  readonly adapters: readonly { name: string; status: string; score: number }[];
  readonly refined?: { adapters: number; discarded: number };
}

async function audit(...args: readonly string[]): Promise<Audit> {
  const { code, stdout, stderr } = await fedclair(["audit", ...args, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Audit;
}

const flagged = ({ adapters }: Audit) =>
  adapters.flatMap(({ name, status }) => (status === "contaminated" ? [name] : []));

describe("fedclair audit", function () {
  this.timeout(300_000);

  it("flags the contaminated adapters of realistic size in half precision", async () => {
    // 10 adapters of 2 modules of 4096×4096.
    const folder = await temporaryFolder();
    const bad = await saveAdapters(folder, { p: 4096, r: 8, count: 10, modules: 2 }, bfloat16);
    const report = await audit(folder, "--set", "rank=8");
    assert.deepEqual(flagged(report), bad);
    await rm(folder, { recursive: true });
  });

  it("flags them across the modules of 12 layers", async () => {
    // 10 adapters of 12 layers of 4 modules of 64×64.
    const folder = await temporaryFolder();
    const bad = await saveAdapters(folder, { p: 64, r: 4, count: 10, modules: 48 }, bfloat16);
    const report = await audit(folder, "--set", "rank=4");
    assert.deepEqual(flagged(report), bad);
    await rm(folder, { recursive: true });
  });

  it("warns of a bank from one pile, and from one with adapters that stand out", async () => {
    const folder = await temporaryFolder();
    const bad = await saveAdapters(join(folder, "in"), { p: 80, r: 2, count: 20, modules: 2 });
    const args = ["calibrate", join(folder, "in"), "--out", join(folder, "bank.json")];
    const { code, stderr } = await fedclair(args);
    assert.equal(code, 0, stderr);
    const named = Array.from(stderr.matchAll(/: (adapter-\d+) stands out/g), ([, name]) => name);
    assert.deepEqual(named, bad);
    assert.match(stderr, /thresholds from 1 pile do not show how piles differ/);
  });

  it("rejects options of rule evidence with another rule", async () => {
    for (const option of ["--require", "--bank"]) {
      const args = ["audit", ".", "--set", "rule=gap", option, "flipped"];
      const { code, stderr } = await fedclair(args);
      assert.equal(code, 2);
      assert.match(stderr, /only rule evidence acts on it, and --set has rule gap/);
    }
  });

  it("prints a table, writes refined adapters that it can read again, and a report into a new file only", async () => {
    const folder = await temporaryFolder();
    const bad = await saveAdapters(join(folder, "in"), { p: 80, r: 2, count: 20, modules: 2 });
    await symlink(".", join(folder, "in", "link"));
    const args = ["audit", join(folder, "in"), "--html"];
    const other = join(folder, "other.html");
    const { code, stdout, stderr } = await fedclair([...args, other, "--fail-on", "invalid"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^20 adapters in .*in\nlinks are not followed: .*link\ncomparing 20 adap/);
    assert.match(
      stdout,
      new RegExp(
        `${bad[0]} +contaminated .*lies outside the space that the others share \\([\\d.]+ deviations\\)`,
      ),
    );
    assert.match(stdout, /6 of 20 adapters are contaminated\. Scores above [\d.]+ are flagged/);
    assert.match(stdout, /rank 2 in 2 modules/);
    assert.ok(stdout.endsWith(`report: ${other}\n`), stdout);

    const html = join(folder, "out", "report.html");
    const refine = ["--refine", join(folder, "refined"), "--json", "--fail-on", "contaminated"];
    const all = await fedclair([...args, html, ...refine]);
    assert.equal(all.code, 4, all.stderr);
    assert.match(all.stderr, new RegExp(`--fail-on: ${bad[0]} is contaminated, `));
    const report = JSON.parse(all.stdout) as Audit;
    assert.deepEqual(flagged(report), bad);
    assert.equal(report.refined?.adapters, 14);
    for (const version of ["shrunk", "added"]) {
      const out = join(folder, "refined", version);
      const again = await audit(out, "--set", "rank=2", "--set", "rule=gap");
      assert.equal(again.adapters.length, 14);
    }
    const page = await readFile(html, "utf8");
    assert.match(page, /6 of 20 adapters are contaminated\. Scores above [\d.]+ are flagged/);
    assert.match(page, /14 refined adapters in /);
    const again = await fedclair([...args, html]);
    assert.deepEqual(
      [again.code, /--html: '.*report\.html' exists already/.test(again.stderr), again.stdout],
      [2, true, ""],
    );
    const inFile = await fedclair([...args, join(html, "report.html")]);
    assert.deepEqual([inFile.code, /--html: cannot write to/.test(inFile.stderr)], [2, true]);
  });

  it("gives the reason for each adapter if none can be read, in JSON as well", async () => {
    const folder = await temporaryFolder();
    await saveAdapters(folder, { p: 8, r: 2, count: 3, modules: 1 });
    for (const name of await readdir(folder)) {
      await writeFile(join(folder, name, "adapter_model.safetensors"), "nothing");
    }
    const plain = await fedclair(["audit", folder, "--json"]);
    assert.equal(plain.code, 2);
    assert.match(plain.stderr, /no adapter can be compared: all are invalid/);
    const { adapters } = JSON.parse(plain.stdout) as Audit;
    assert.deepEqual(
      adapters.map(({ status }) => status),
      ["invalid", "invalid", "invalid"],
    );
    assert.equal((await fedclair(["audit", folder, "--fail-on", "invalid"])).code, 4);
  });

  it("writes refined adapters with the same folder name separately and overwrites none", async () => {
    const folder = await temporaryFolder();
    await saveAdapters(join(folder, "x"), { p: 64, r: 2, count: 10, modules: 2 });
    await cp(join(folder, "x"), join(folder, "y"), { recursive: true });
    const refine = ["audit", join(folder, "x"), join(folder, "y"), "--refine", join(folder, "out")];
    const first = await fedclair(refine);
    assert.match(first.stdout, /14 refined adapters/);
    const written = await Promise.all(
      ["shrunk/x", "shrunk/y", "added/x", "added/y"].map((name) =>
        readdir(join(folder, "out", name)),
      ),
    );
    assert.deepEqual(
      written.map(({ length }) => length),
      [7, 7, 7, 7],
    );
    const again = await fedclair(refine);
    assert.deepEqual([again.code, /exists already/.test(again.stderr)], [2, true], again.stderr);
    const inPlace = await fedclair(["audit", join(folder, "x"), "--refine", join(folder, "x")]);
    assert.deepEqual([inPlace.code, /exists already/.test(inPlace.stderr)], [2, true]);
  });

  it("measures refined adapters with a command, and writes the best", async () => {
    const folder = await temporaryFolder();
    await saveAdapters(join(folder, "in"), { p: 64, r: 2, count: 10, modules: 2 });
    const script = join(folder, "loss.mjs");
    // The loss is the candidate's place in an order, except for one adapter that stays as it is.
    await writeFile(
      script,
      `import { basename, dirname } from "node:path";
      const order = ["shrunk-half", "clair", "shrunk-quarter", "added-half", "added-whole"];
      const [path] = process.argv.slice(2);
      const place = order.indexOf(basename(dirname(path)));
      console.log("loss", place < 0 ? (path.endsWith("adapter-04") ? -1 : 2.5) : place);`,
    );
    const html = join(folder, "report.html");
    const args = (command: string) => [
      ...["audit", join(folder, "in"), "--refine", join(folder, "out"), "--set", "rule=gap"],
      ...["--html", html, "--evaluate", command],
    ];
    const failed = await fedclair(args("echo no model >&2; exit 9 {adapter}"));
    assert.equal(failed.code, 2);
    assert.match(failed.stderr, /--evaluate: own of 'adapter-03': .* code 9\n {2}no model\n/);
    await assert.rejects(readdir(join(folder, "out")), /ENOENT/);
    const inQuotes = await fedclair(args(`node ${script} '{adapter}'`));
    assert.deepEqual([inQuotes.code, /{adapter} is in quotes/.test(inQuotes.stderr)], [2, true]);

    const all = [...args(`'${process.execPath}' '${script}' {adapter}`), "--evaluate-jobs", "2"];
    const { code, stdout, stderr } = await fedclair(all);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /adapter-03 +2\.500 +2\.000 +0\.000 +3\.000 .* ½ own \+ ½ mean\n/);
    assert.match(stdout, /Unchanged, because no refined version has a lower loss: adapter-04\./);
    assert.match(await readFile(html, "utf8"), /<h2>Losses of refined adapters<\/h2>/);
    assert.equal((await readdir(join(folder, "out"))).length, 7);
  });

  it("ends the command of --evaluate when it is stopped", async () => {
    const folder = await temporaryFolder();
    await saveAdapters(join(folder, "in"), { p: 64, r: 2, count: 10, modules: 2 });
    const args = [
      "audit",
      join(folder, "in"),
      "--refine",
      join(folder, "out"),
      "--set",
      "rule=gap",
    ];
    const command = "echo $$ > {adapter}/pid; exec sleep 600";
    const temporary = join(folder, "tmp");
    await mkdir(temporary);
    const running = start([...args, "--evaluate", command], { env: { TMPDIR: temporary } });
    await running.waitForOutput(/measuring 42 candidates/);
    const file = join(folder, "in", "adapter-03", "pid");
    const readPid = async () => Number(await readFile(file, "utf8").catch(() => ""));
    let pid = await readPid();
    while (pid === 0) pid = await readPid();
    assert.equal((await readdir(temporary)).length, 1);
    running.kill("SIGTERM");
    const { code, stdout } = await running.ended;
    assert.deepEqual([code, stdout], [130, ""]);
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
    assert.deepEqual(await readdir(temporary), []);
    await assert.rejects(readdir(join(folder, "out")), /ENOENT/);
  });

  it("ends at once when it is stopped", async () => {
    const folder = await temporaryFolder();
    await saveAdapters(folder, { p: 32, r: 2, count: 10, modules: 300 });
    const running = start(["audit", folder]);
    await running.waitForOutput(/comparing 10 adapters/);
    const since = Date.now(); // the whole audit takes half a minute
    running.kill("SIGINT");
    const { code, stdout } = await running.ended;
    assert.deepEqual([code, stdout], [130, ""]);
    assert.ok(Date.now() - since < 15_000, `took ${Date.now() - since} ms`);
  });

  it("rejects unknown options and folders without adapters", async () => {
    const folder = await temporaryFolder();
    const unknown = await fedclair(["audit", folder, "--set", "rnak=2"]);
    assert.deepEqual(
      [unknown.code, /unknown key 'rnak', did you mean 'rank'/.test(unknown.stderr)],
      [2, true],
    );
    const empty = await fedclair(["audit", folder]);
    assert.deepEqual([empty.code, /no adapter in/.test(empty.stderr)], [2, true]);
  });
});
