import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toyTrial } from "@fedclair/core/testing";
import { chooseRunFolder, findRun, listRuns } from "./held-run.js";
import { makeFolder } from "./make-folder.js";
import { RunFolder } from "./run-folder.js";

const trial = toyTrial();
let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "fedclair-"));
});
afterEach(() => rm(out, { recursive: true }));

describe("RunFolder.take", () => {
  /** Leaves a run behind that was interrupted in its first round. */
  const begin = async (changes: Partial<typeof trial> = {}, resumes = false) => {
    const folder = await RunFolder.take(out, { ...trial, ...changes }, resumes);
    await folder.begin("wasm");
    await folder.release();
  };
  const names = async () => (await readdir(out)).sort();

  it("changes nothing before the run begins, and leaves nothing behind of one that never does", async () => {
    const path = join(out, "new", "run");
    const folder = await RunFolder.take(path, trial, false);
    assert.deepEqual(await readdir(path), ["lock"]);
    await folder.release();
    assert.deepEqual(await readdir(join(out, "new")), []);
    await rm(join(out, "new"), { recursive: true });
    await (await RunFolder.take(out, trial, false)).release();
    assert.deepEqual(await names(), []);
  });

  it("refuses a second run, and the first goes on", async () => {
    const folder = await RunFolder.take(out, trial, false);
    await assert.rejects(RunFolder.take(out, trial, false), /is in use by process \d+ on /);
    await folder.begin("wasm");
    await assert.rejects(RunFolder.take(out, trial, true), /is in use by process \d+ on /);
    await folder.release();
    assert.deepEqual(await names(), ["records.jsonl", "run.json", "timings.jsonl", "trial.yaml"]);
  });

  it("goes on with an unfinished run if told to, and leaves what lies beside it", async () => {
    await begin();
    await writeFile(join(out, "notes.md"), "mine");
    const told = /was interrupted after 0 rounds: fedclair resume .* goes on with it, --again /;
    await assert.rejects(begin(), told);
    await begin({}, true);
    assert.equal(await readFile(join(out, "notes.md"), "utf8"), "mine");
  });

  it("says of a run that failed why, and of what went on no more", async () => {
    const folder = await RunFolder.take(out, trial, false);
    await folder.begin("wasm");
    await folder.writeFailure(new Error("no luck"));
    await folder.release();
    assert.deepEqual((await findRun(out))?.failure, { message: "Error: no luck", exitCode: 1 });
    assert.equal((await findRun(out))?.status, "failed");
    await assert.rejects(begin(), /failed \(Error: no luck\) after 0 rounds: fedclair resume /);
    await begin({}, true);
    assert.equal((await findRun(out))?.status, "interrupted");
  });

  it("refuses the run of another trial or seed, and one that is done", async () => {
    await begin();
    const before = await names();
    await assert.rejects(
      begin({ name: "other" }, true),
      /a run of toy with seed 1, and not of other with seed 1/,
    );
    await assert.rejects(
      begin({ seed: 2 }, true),
      /holds a run of toy with seed 1, and not of toy with seed 2/,
    );
    await assert.rejects(
      begin({ rounds: 7 }, true),
      /toy with seed 1, made from other contents, or by/,
    );
    await writeFile(join(out, "summary.json"), '{"arms":[]}');
    await assert.rejects(begin({}, true), /is done: --again makes a new one/);
    assert.deepEqual(await names(), [...before, "summary.json"].sort());
  });

  it("refuses a folder that holds no run, and leaves it whole", async () => {
    for (const file of ["report.html", "trial.yaml"]) {
      await writeFile(join(out, file), "mine");
      await assert.rejects(begin(), /is not empty and holds no run: choose another --out/);
    }
    assert.equal(await readFile(join(out, "trial.yaml"), "utf8"), "mine");
    assert.deepEqual(await names(), ["report.html", "trial.yaml"]);
    await writeFile(join(out, "records.jsonl"), "");
    await assert.rejects(begin(), /holds a run of an earlier release/);
  });
});

describe("folderOf", () => {
  it("is named by name, seed and hash, by --name or by --out, and with --again beside the others", async () => {
    const id = await chooseRunFolder(trial, {});
    assert.match(id, /^runs\/toy-1-[0-9a-f]{8}$/);
    assert.equal(await chooseRunFolder({ ...trial, claim: "It works." }, {}), id);
    assert.notEqual(await chooseRunFolder({ ...trial, rounds: 7 }, {}), id);
    assert.equal(await chooseRunFolder(trial, { name: "pilot" }), join("runs", "pilot"));
    await assert.rejects(chooseRunFolder(trial, { name: "pilot", out }), /leave one out/);
    const path = join(out, "run");
    assert.equal(await chooseRunFolder(trial, { out: path, again: true }), path);
    for (const folder of [path, `${path}-2`]) {
      await mkdir(folder);
      await writeFile(join(folder, "x"), "");
    }
    assert.equal(await chooseRunFolder(trial, { out: path, again: true }), `${path}-3`);
  });
});

describe("runsUnder", () => {
  it("tells what lies there and how far it came", async () => {
    const done = await RunFolder.take(join(out, "b"), trial, false);
    await done.begin("wasm");
    await done.release();
    const running = await RunFolder.take(join(out, "a"), trial, false);
    await running.begin("wasm");
    await mkdir(join(out, "other"));
    await writeFile(join(out, "file"), "");
    await writeFile(join(out, "b", "summary.json"), '{"arms":[]}');
    const runs = await listRuns(out);
    assert.deepEqual(
      runs.map(({ folder, status }) => [folder, status]),
      [
        [join(out, "a"), "running"],
        [join(out, "b"), "done"],
      ],
    );
    assert.deepEqual(await listRuns(join(out, "none")), []);
    await running.release();
  });
});

describe("makeFolder", () => {
  it("makes folders on the way, and takes one that is there", async () => {
    assert.equal(await makeFolder(join(out, "a", "b")), true);
    assert.equal(await makeFolder(join(out, "a", "b")), false);
    assert.ok(existsSync(join(out, "a", "b")));
    await writeFile(join(out, "file"), "");
    await assert.rejects(makeFolder(join(out, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(out, "file", "sub")), { code: "ENOTDIR" });
  });

  it("ends where nothing can be made", async function () {
    if (!existsSync("/proc/self")) this.skip();
    await assert.rejects(makeFolder("/proc/fedclair/run"), { code: "ENOENT" });
  });
});
