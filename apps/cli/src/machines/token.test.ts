import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTokenKey, verifyToken } from "@fedclair/wire/signed-token";
import { tokenText, type TokenOptions } from "./token.js";

const now = Date.parse("2030-01-02T03:04:05.678Z");

describe("fedclair token", () => {
  let folder: string;
  let key: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
    key = join(folder, "key");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const text = (options: Partial<TokenOptions>) => tokenText({ expires: "8h", ...options }, now);

  it("writes a key that only its owner can read, and never overwrites one", async () => {
    assert.equal(await text({ newKey: key }), "");
    assert.equal((await stat(key)).mode & 0o777, 0o600);
    const first = await readFile(key, "utf8");
    parseTokenKey(first);
    await assert.rejects(text({ newKey: key }), /it is there already, and tokens may be signed/);
    assert.equal(await readFile(key, "utf8"), first);
    await assert.rejects(text({ newKey: join(folder, "no", "key") }), /cannot write '.*': ENOENT/);
  });

  it("signs a token and shows its content without the key", async () => {
    await text({ newKey: key });
    const token = await text({ key, host: "gpu-1", clients: "c00-c14", expires: "90m" });
    const claims = verifyToken(parseTokenKey(await readFile(key, "utf8")), token.trim());
    assert.ok(claims);
    const { id, ...rest } = claims;
    const issued = 1893553445;
    assert.deepEqual(rest, {
      role: "host",
      host: "gpu-1",
      clients: [0, 14],
      issued,
      expires: issued + 5400,
    });
    const shown = await text({ show: token });
    assert.equal(
      shown,
      `id       ${id}\nrole     host\nhost     gpu-1\nclients  c00-c14\n` +
        "issued   2030-01-02T03:04:05.000Z\nexpires  2030-01-02T04:34:05.000Z\n" +
        "only the coordinator can check the signature\n",
    );
    const other = await text({ key, host: "gpu-1" });
    assert.notEqual(verifyToken(parseTokenKey(await readFile(key, "utf8")), other.trim())?.id, id);
    assert.match(await text({ show: other }), /^clients {2}any$/m);
    const later = tokenText({ expires: "8h", show: token }, now + 5_400_000);
    assert.match(await later, /04:34:05.000Z \(expired\)$/m);
  });

  it("reports what it expected", async () => {
    await text({ newKey: key });
    const one = /expected one of --new-key FILE, --key FILE with --host NAME, --show TOKEN/;
    await assert.rejects(text({}), one);
    await assert.rejects(text({ key, show: "x" }), one);
    await assert.rejects(text({ key }), /--host is missing/);
    await assert.rejects(text({ key, host: "a b" }), /a host's name: expected at most 64/);
    for (const clients of ["", "0-4", "c4-c1", "c05-c04", "c00-", "c00-c0x", "c00,c01"]) {
      await assert.rejects(text({ key, host: "a", clients }), /--clients: expected the first/);
    }
    for (const expires of ["", "8", "0h", "-1h", "1w", "1.5h", "999999d"]) {
      await assert.rejects(text({ key, host: "a", expires }), /--expires: expected a time as 30m/);
    }
    await assert.rejects(text({ key: join(folder, "none"), host: "a" }), /cannot read '.*none'/);
    await writeFile(key, "short");
    await assert.rejects(text({ key, host: "a" }), /expected a token key, 32 bytes/);
    await assert.rejects(text({ show: "secret" }), /this is no signed token/);
  });
});
