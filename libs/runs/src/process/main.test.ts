import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readToken } from "./main.js";

describe("readToken", () => {
  const before = process.env["FEDCLAIR_TOKEN"];
  const restore = (token: string | undefined) => {
    if (token === undefined) delete process.env["FEDCLAIR_TOKEN"];
    else process.env["FEDCLAIR_TOKEN"] = token;
  };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(async () => {
    restore(before);
    await rm(folder, { recursive: true });
  });

  /** Reads a token from a file and from the environment. */
  const both = async (text: string) => {
    const file = join(folder, "token");
    await writeFile(file, text);
    restore(text);
    return { ofFile: () => readToken(file), ofEnvironment: () => readToken() };
  };

  it("trims a token from any source", async () => {
    const { ofFile, ofEnvironment } = await both(" a secret\n");
    assert.equal(ofFile(), "a secret");
    assert.equal(ofEnvironment(), "a secret");
  });

  it("rejects an empty token from any source", async () => {
    for (const text of ["", " ", "\n"]) {
      const { ofFile, ofEnvironment } = await both(text);
      assert.throws(ofFile, /^UserError: --token-file: '.*token' is empty/);
      assert.throws(ofEnvironment, /^UserError: FEDCLAIR_TOKEN is empty/);
    }
  });

  it("returns undefined without a token", () => {
    restore(undefined);
    assert.equal(readToken(), undefined);
    assert.throws(() => readToken(join(folder, "none")), /cannot read/);
  });
});

describe("listenForInterruption", () => {
  it("aborts at once if the parent process is already gone", async () => {
    const main = JSON.stringify(new URL("./main.js", import.meta.url).href);
    const script = `
      import { interruption, listenForInterruption } from ${main};
      while (process.connected) await new Promise((resolve) => setTimeout(resolve, 1));
      listenForInterruption();
      process.exitCode = interruption.signal.aborted ? 130 : 0;`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child.disconnect();
    assert.deepEqual(await once(child, "exit"), [130, null]);
  });
});
