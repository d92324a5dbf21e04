import assert from "node:assert/strict";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { exitCodes } from "@fedclair/core/internal";
import { systemErrorCode, systemFault } from "./system-error.js";

describe("systemFault", () => {
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
    return systemFault(error);
  };

  it("names what was done, to which path, and what to change", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const missing = await faultOf(readFile(join(folder, "none")));
    assert.ok(missing instanceof UserError);
    assert.equal(missing.exitCode, exitCodes.usage);
    assert.equal(
      missing.message,
      `'${join(folder, "none")}': there is no such file or folder: mend the path (open: ENOENT)`,
    );
    const inside = await faultOf(mkdir(join(file, "sub")));
    assert.match(inside?.message ?? "", /sub': a file stands where a folder is/);
  });

  it("does without a path where the system names none", async () => {
    const handle = await open(folder);
    const fault = await faultOf(handle.readFile());
    await handle.close();
    assert.match(
      fault?.message ?? "",
      /^it is a folder where a file is expected.* \(read: EISDIR\)$/,
    );
  });

  it("knows a disk's quota, for which Node.js has no name", () => {
    const error = Object.assign(new Error("Unknown system error -122"), {
      ...{ code: "Unknown system error -122", errno: -122, syscall: "write" },
    });
    assert.match(systemFault(error)?.message ?? "", /^the quota of the disk .* \(write: EDQUOT\)$/);
  });

  it("leaves faults of the program alone", () => {
    for (const error of [new TypeError("no"), Object.assign(new Error(), { code: "EBADF" }), "x"]) {
      assert.equal(systemFault(error), undefined);
    }
    assert.equal(systemErrorCode(Object.assign(new Error(), { code: "EBADF" })), "EBADF");
    assert.equal(systemErrorCode(Object.assign(new Error(), { code: 7 })), undefined);
  });
});
