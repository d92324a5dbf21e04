import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificatesOf, tokensOf } from "./entry.js";

describe("the files that say who may join", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  it("are rejected if one is missing or no PEM", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = await write("pem", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    const other = await write("token-key", "no PEM");
    assert.throws(
      () => certificatesOf({ tlsCert: pem }),
      /UserError: --tls-key is missing: --tls-cert and --tls-key go together/,
    );
    assert.throws(
      () => certificatesOf({ tlsClientCa: pem }),
      /UserError: --tls-client-ca goes with --tls-cert and --tls-key/,
    );
    assert.throws(
      () => certificatesOf({ tlsCert: pem, tlsKey: other }),
      /UserError: --tls-key: '.*token-key' is no PEM file/,
    );
  });

  it("are rejected if they are no token key or no list of revoked tokens", async () => {
    const key = await write("key", Buffer.alloc(32, 1).toString("base64url"));
    const other = await write("other", "too short");
    assert.throws(
      () => tokensOf({ tokenKey: other }),
      /UserError: --token-key: '.*other': expected a token key, 32 bytes/,
    );
    assert.throws(
      () => tokensOf({ tokenKey: "none" }),
      /UserError: --token-key: cannot read 'none' \(ENOENT\)/,
    );
    assert.throws(
      () => tokensOf({ tokenKey: key, revoked: "none" }),
      /UserError: --revoked: cannot read 'none'/,
    );
    assert.throws(() => tokensOf({ revoked: key }), /UserError: --revoked goes with --token-key/);
  });
});
