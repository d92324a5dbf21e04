import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { UserError } from "@fedclair/core";
import { toyTrial } from "@fedclair/core/testing";
import { chooseRunFolder, findRun, listRuns } from "./stored-run.js";
import { makeFolder } from "./make-folder.js";
import { RunFolder } from "./run-folder.js";

const trial = toyTrial();
const emptySummary = '{"arms":[],"stopped":{},"measures":{},"details":[]}';
let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "fedclair-"));
});
afterEach(() => rm(out, { recursive: true }));

describe("RunFolder.claim", () => {
  /** Leaves a run that was interrupted in its first round. */
  const begin = async (changes: Partial<typeof trial> = {}, resumes = false) => {
    const folder = await RunFolder.claim(out, { ...trial, ...changes }, resumes);
    await folder.begin("wasm");
    await folder.release();
  };
  const names = async () => (await readdir(out)).sort();

  it("changes nothing before the run begins, and leaves nothing if it never does", async () => {
    const path = join(out, "new", "run");
    const folder = await RunFolder.claim(path, trial, false);
    assert.deepEqual(await readdir(path), ["lock"]);
    await folder.release();
    assert.deepEqual(await readdir(join(out, "new")), []);
    await rm(join(out, "new"), { recursive: true });
    await (await RunFolder.claim(out, trial, false)).release();
    assert.deepEqual(await names(), []);
  });

  it("rejects a second run while the first one continues", async () => {
    const folder = await RunFolder.claim(out, trial, false);
    await assert.rejects(RunFolder.claim(out, trial, false), /is in use by process \d+ on /);
    await folder.begin("wasm");
    await assert.rejects(RunFolder.claim(out, trial, true), /is in use by process \d+ on /);
    await folder.release();
    assert.deepEqual(await names(), ["records.jsonl", "run.json", "timings.jsonl", "trial.yaml"]);
  });

  it("resumes an unfinished run if allowed, and leaves other files alone", async () => {
    await begin();
    await writeFile(join(out, "notes.md"), "mine");
    const expected =
      /was interrupted after 0 rounds: (npx )?fedclair resume .* goes on with it, --again /;
    await assert.rejects(begin(), expected);
    await begin({}, true);
    assert.equal(await readFile(join(out, "notes.md"), "utf8"), "mine");
  });

  it("reports why a run failed, and that a resumed run was interrupted", async () => {
    const folder = await RunFolder.claim(out, trial, false);
    await folder.begin("wasm");
    await folder.writeFailure(new Error("no luck"));
    await folder.release();
    assert.deepEqual((await findRun(out))?.failure, { message: "Error: no luck", exitCode: 1 });
    assert.equal((await findRun(out))?.status, "failed");
    await assert.rejects(
      begin(),
      /failed \(Error: no luck\) after 0 rounds: (npx )?fedclair resume /,
    );
    await begin({}, true);
    assert.equal((await findRun(out))?.status, "interrupted");
  });

  it("rejects the run of another trial or seed, and a finished run", async () => {
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
      /toy with seed 1, made from other contents or code, or by/,
    );
    await writeFile(join(out, "summary.json"), emptySummary);
    await assert.rejects(begin({}, true), /is done: --again makes a new one/);
    assert.deepEqual(await names(), [...before, "summary.json"].sort());
  });

  it("rejects a folder without a run, and leaves it unchanged", async () => {
    for (const file of ["report.html", "trial.yaml"]) {
      await writeFile(join(out, file), "mine");
      await assert.rejects(begin(), /is not empty and holds no run: choose another --out/);
      await writeFile(join(out, "sweep.json"), "{}");
      await assert.rejects(begin(), /is a study or sweep: choose another --out/);
      await rm(join(out, "sweep.json"));
    }
    assert.equal(await readFile(join(out, "trial.yaml"), "utf8"), "mine");
    assert.deepEqual(await names(), ["report.html", "trial.yaml"]);
  });
});

describe("a hostile run folder", () => {
  const claim = async () => {
    const folder = await RunFolder.claim(out, trial, true);
    await beginAndRelease(folder);
  };
  const beginAndRelease = async (folder: RunFolder) => {
    try {
      await folder.begin("wasm");
    } finally {
      await folder.release();
    }
  };
  const links = async (name: string) => {
    const victim = join(out, "..", `${basename(out)}-victim`);
    await writeFile(victim, "mine");
    await symlink(victim, join(out, name));
    return victim;
  };

  it("leads no file of a run elsewhere by a link", async function () {
    if (process.platform === "win32") this.skip();
    const victim = await links("run.json.part");
    await claim();
    assert.equal(await readFile(victim, "utf8"), "mine");
    for (const file of ["records.jsonl", "timings.jsonl"]) {
      await rm(join(out, file));
      await links(file);
      await assert.rejects(claim(), { code: "ELOOP" });
      assert.equal(await readFile(victim, "utf8"), "mine");
      await rm(join(out, file));
    }
    await rm(victim);
  });

  it("has a damaged trial.yaml, and the error names the line", async () => {
    await claim();
    const bomb = Array.from({ length: 20 }, (_, i) => {
      return `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]\n`;
    });
    for (const [text, message] of [
      ["", /trial\.yaml:1:1: the trial is empty/],
      ["name: [x\n", /trial\.yaml:\d:\d: /],
      ["- 1\n", /trial\.yaml:1:1: trial: expected object/],
      ["name: 3\n", /trial\.yaml:1:7: name: expected string, got 3/],
      ["claim: 3\n", /trial\.yaml:1:8: claim: expected string, got 3/],
      ["plugins: 3\n", /trial\.yaml:1:10: plugins: expected array, got 3/],
      ["clients: 1e15\n", /trial\.yaml:1:10: clients: expected at most 2000000/],
      [`a0: &a0 x\n${bomb.join("")}`, /trial\.yaml: expected at most 250000 names/],
      ["[".repeat(100_000), /trial\.yaml/],
    ] as const) {
      await writeFile(join(out, "trial.yaml"), text);
      await assert.rejects(findRun(out), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
    await truncate(join(out, "trial.yaml"), 2 ** 30);
    await assert.rejects(
      findRun(out),
      /trial\.yaml': expected at most 16777216 bytes, got 1073741824/,
    );
  });

  it("has other JSON in its files than a run writes, which counts as none", async () => {
    await claim();
    for (const text of ["null", "[]", '{"arms":[1]}', '{"arms":[],"stopped":null}', "{"]) {
      await writeFile(join(out, "summary.json"), text);
      await writeFile(join(out, "failure.json"), text);
      const run = await findRun(out);
      assert.deepEqual([run?.summary, run?.status], [undefined, "failed"], text);
      assert.match(run?.failure?.message ?? "", /^its summary\.json is damaged: .* resume /);
      await rm(join(out, "summary.json"));
      assert.equal((await findRun(out))?.failure, undefined, text);
    }
    const info = { hash: "0", version: "1", started: "\u001b[2J\u202e", backend: "cpu" };
    await writeFile(join(out, "run.json"), JSON.stringify(info));
    await writeFile(join(out, "failure.json"), '{"message":"a\\nb\\u001b","exitCode":3}');
    const run = await findRun(out);
    assert.equal(run?.info.started, "\\u{1b}[2J\\u{202e}", "what commands print is escaped");
    assert.equal(run.failure?.message, "a\nb\\u{1b}");
    await writeFile(join(out, "run.json"), '{"hash":3}');
    await assert.rejects(findRun(out), /run\.json' is broken: restore it, or choose another/);
    await rm(join(out, "trial.yaml"));
    await assert.rejects(findRun(out), /has records and no trial\.yaml: restore it from a copy/);
  });
});

describe("chooseRunFolder", () => {
  it("uses name, seed and hash, --name, or --out, and adds a number with --again", async () => {
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

describe("listRuns", () => {
  it("lists the runs in a folder with their status", async () => {
    const done = await RunFolder.claim(join(out, "b"), trial, false);
    await done.begin("wasm");
    await done.release();
    const running = await RunFolder.claim(join(out, "a"), trial, false);
    await running.begin("wasm");
    await mkdir(join(out, "other"));
    await writeFile(join(out, "file"), "");
    await writeFile(join(out, "b", "summary.json"), emptySummary);
    const broken = await RunFolder.claim(join(out, "c"), trial, false);
    await broken.begin("wasm");
    await broken.release();
    await writeFile(join(out, "c", "trial.yaml"), "rounds: [");
    const runs = await listRuns(out);
    const [, , third] = runs;
    assert.deepEqual(
      runs.map((run) => [run.folder, "status" in run ? run.status : "broken"]),
      [
        [join(out, "a"), "running"],
        [join(out, "b"), "done"],
        [join(out, "c"), "broken"],
      ],
    );
    assert.ok(third && "fault" in third && !third.fault.includes("\n"), JSON.stringify(third));
    assert.deepEqual(await listRuns(join(out, "none")), []);
    await running.release();
  });
});

describe("makeFolder", () => {
  it("creates parents, and accepts an existing folder", async () => {
    assert.equal(await makeFolder(join(out, "a", "b")), true);
    assert.equal(await makeFolder(join(out, "a", "b")), false);
    assert.ok(existsSync(join(out, "a", "b")));
    await writeFile(join(out, "file"), "");
    await assert.rejects(makeFolder(join(out, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(out, "file", "sub")), { code: "ENOTDIR" });
  });

  it("fails where no folder can be created", async function () {
    if (!existsSync("/proc/self")) this.skip();
    await assert.rejects(makeFolder("/proc/fedclair/run"), { code: "ENOENT" });
  });
});
