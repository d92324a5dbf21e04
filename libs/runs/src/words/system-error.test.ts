import assert from "node:assert/strict";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { exitCodes } from "@fedclair/core/internal";
import { systemErrorCode, explainSystemError } from "./system-error.js";

describe("explainSystemError", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const faultOf = async (fails: Promise<unknown>) => {
    const error: unknown = await fails.then(
      () => assert.fail("it did not fail"),
      (reason: unknown) => reason,
    );
    return explainSystemError(error);
  };

  it("reports the operation, the path, and what to change", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const missing = await faultOf(readFile(join(folder, "none")));
    assert.ok(missing instanceof UserError);
    assert.equal(missing.exitCode, exitCodes.usage);
    assert.equal(
      missing.message,
      `'${join(folder, "none")}': there is no such file or folder: correct the path (open: ENOENT)`,
    );
    const inside = await faultOf(mkdir(join(file, "sub")));
    assert.match(inside?.message ?? "", /sub': a file stands where a folder is/);
  });

  it("omits the path if the system reports none", async () => {
    const handle = await open(folder);
    const fault = await faultOf(handle.readFile());
    await handle.close();
    assert.match(
      fault?.message ?? "",
      /^it is a folder where a file is expected.* \(read: EISDIR\)$/,
    );
  });

  it("explains an exceeded disk quota, for which Node.js has no name", () => {
    const error = Object.assign(new Error("Unknown system error -122"), {
      code: "Unknown system error -122",
      errno: -122,
      syscall: "write",
    });
    assert.match(
      explainSystemError(error)?.message ?? "",
      /^the quota of the disk .* \(write: EDQUOT\)$/,
    );
  });

  it("returns undefined for bugs of the program", () => {
    for (const error of [new TypeError("no"), Object.assign(new Error(), { code: "EBADF" }), "x"]) {
      assert.equal(explainSystemError(error), undefined);
    }
    assert.equal(systemErrorCode(Object.assign(new Error(), { code: "EBADF" })), "EBADF");
    assert.equal(systemErrorCode(Object.assign(new Error(), { code: 7 })), undefined);
  });
});
