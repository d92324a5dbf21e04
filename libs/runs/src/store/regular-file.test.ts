import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readText, UnreadableError } from "./regular-file.js";

describe("readText", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "file-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("reads a file up to a size", async () => {
    const file = join(folder, "a");
    await writeFile(file, "grüße");
    assert.equal(readText(file, 7), "grüße");
    assert.throws(() => readText(file, 6), /'.*a': expected at most 6 bytes, got 7/);
  });

  it("does not wait for a FIFO, a device or a folder", async function () {
    if (process.platform === "win32") this.skip();
    execFileSync("mkfifo", [join(folder, "fifo")]);
    await symlink("/dev/zero", join(folder, "zero"));
    for (const [name, kind] of [
      ["fifo", "a FIFO"],
      ["zero", "a device"],
      [".", "a folder"],
    ] as const) {
      const message = new RegExp(`expected a regular file, got ${kind}$`);
      assert.throws(() => readText(join(folder, name), 100), message);
    }
  });

  it("rejects bytes that are no text", async () => {
    const file = join(folder, "a");
    await writeFile(file, Buffer.of(0x61, 0xff, 0x62));
    assert.throws(() => readText(file, 9), /'.*a': expected text in UTF-8, got other bytes/);
  });

  it("reports whether a file is absent", () => {
    assert.throws(
      () => readText(join(folder, "none"), 1),
      (error) => error instanceof UnreadableError && error.code === "ENOENT",
    );
  });
});
