import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toyTrial } from "@fedclair/core/testing";
import { makeFolder } from "./make-folder.js";
import { holdsRun, readLines, RunFolder } from "./run-folder.js";

const trial = toyTrial();
let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "fedclair-"));
});
afterEach(() => rm(out, { recursive: true }));

describe("RunFolder.create", () => {
  const create = async (changes: Partial<typeof trial> = {}) =>
    (await RunFolder.create(out, { ...trial, ...changes })).close();

  it("replaces an earlier run of the same trial, and nothing beside it", async () => {
    assert.equal(await holdsRun(join(out, "none"), trial), false);
    assert.equal(await holdsRun(out, trial), false);
    await create();
    assert.equal(await holdsRun(out, { ...trial, rounds: 7 }), true);
    for (const file of ["notes.md", "summary.json"]) await writeFile(join(out, file), "");
    await create({ rounds: 7 });
    const files = ["notes.md", "records.jsonl", "timings.jsonl", "trial.yaml"];
    assert.deepEqual((await readdir(out)).sort(), files);
  });

  it("refuses the run of another trial or seed, and leaves it whole", async () => {
    await create();
    await writeFile(join(out, "summary.json"), "{}");
    await assert.rejects(
      create({ name: "other" }),
      /holds the run of toy with seed 1, not of other/,
    );
    await assert.rejects(create({ seed: 2 }), /not of toy with seed 2: choose another --out/);
    assert.equal(await readFile(join(out, "summary.json"), "utf8"), "{}");
  });

  it("refuses a folder that holds no run, and leaves it whole", async () => {
    for (const file of ["report.html", "trial.yaml"]) {
      await writeFile(join(out, file), "mine");
      await assert.rejects(create(), /is not empty and holds no run: choose another --out/);
    }
    assert.equal(await readFile(join(out, "trial.yaml"), "utf8"), "mine");
  });
});

describe("readLines", () => {
  const read = async (text: string) => {
    await writeFile(join(out, "records.jsonl"), text);
    return readLines<unknown>(out, "records.jsonl");
  };

  it("reads a line a value, whatever a string holds, and not half a line", async () => {
    const values = [{ a: "x\u2028y\r\u0085z" }, "é".repeat(3 * 2 ** 20), 3];
    const text = values.map((value) => JSON.stringify(value) + "\n").join("");
    assert.deepEqual(await read(text), values);
    assert.deepEqual(await read(text + '{"b":'), values);
    assert.deepEqual(await read(""), []);
    assert.deepEqual(await readLines(out, "artifacts.jsonl"), []);
  });

  it("names the line that is no JSON", async () => {
    await assert.rejects(read('{}\n{"a\n{}\n'), /UserError: .*records\.jsonl:2: expected JSON: /);
    await appendFile(join(out, "timings.jsonl"), "\n");
    await assert.rejects(readLines(out, "timings.jsonl"), /timings\.jsonl:1: expected JSON/);
  });
});

describe("makeFolder", () => {
  it("makes folders on the way, and takes one that is there", async () => {
    await makeFolder(join(out, "a", "b"));
    await makeFolder(join(out, "a", "b"));
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
