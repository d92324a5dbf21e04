import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCertificates } from "./certificates.js";

describe("readCertificates", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const read = (ca?: string, cert?: string, key?: string) =>
    readCertificates({ ca: ["--ca", ca], cert: ["--cert", cert], key: ["--key", key] });
  const pem = (passphrase?: string) =>
    generateKeyPairSync("ec", {
      namedCurve: "P-256",
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: {
        type: "pkcs8",
        format: "pem",
        ...(passphrase !== undefined && { cipher: "aes-256-cbc", passphrase }),
      },
    }).privateKey;

  it("returns undefined if no file is given", () => {
    assert.equal(read(), undefined);
  });

  it("names a file that cannot be read or is not PEM, and a missing option", async () => {
    assert.throws(() => read("none"), /UserError: --ca: cannot read 'none' \(ENOENT\)/);
    const empty = await write("empty", "");
    assert.throws(() => read(empty), /--ca: '.*empty' is no PEM file: expected a line -----BEGIN/);
    const key = await write("key", pem());
    assert.throws(() => read(undefined, undefined, key), /--cert is missing: --cert and --key go/);
    assert.throws(() => read(undefined, key), /--key is missing/);
  });

  it("does not wait for a FIFO or a device", async function () {
    if (process.platform === "win32") this.skip();
    const [fifo, zero] = [join(folder, "fifo"), join(folder, "zero")];
    execFileSync("mkfifo", [fifo]);
    await symlink("/dev/zero", zero);
    const key = await write("key", pem());
    assert.throws(
      () => read(fifo),
      /UserError: --ca: '.*fifo': expected a regular file, got a FIFO/,
    );
    assert.throws(() => read(zero), /--ca: '.*zero': expected a regular file, got a device/);
    assert.throws(() => read(undefined, fifo, key), /--cert: '.*fifo': expected a regular file/);
    assert.throws(() => read(undefined, key, fifo), /--key: '.*fifo': expected a regular file/);
  });

  it("names the files that TLS cannot use", async () => {
    const key = await write("key", pem());
    const bad =
      /UserError: --cert '.*key', --key '.*': TLS cannot use them \(.*\): expected PEM, and a/;
    assert.throws(() => read(undefined, key, key), bad);
    const locked = await write("locked", pem("a word"));
    assert.throws(() => read(undefined, key, locked), bad);
  });
});
