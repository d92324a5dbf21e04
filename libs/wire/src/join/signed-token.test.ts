import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeToken,
  newTokenKey,
  parseTokenKey,
  formatRange,
  signToken,
  verifyToken,
  type TokenClaims,
} from "./signed-token.js";

const key = parseTokenKey(newTokenKey());
const claims: TokenClaims = {
  id: "0123456789abcdef",
  role: "host",
  host: "gpu-1",
  clients: [0, 14],
  issued: 1_000,
  expires: 2_000,
};

describe("a signed token", () => {
  it("can be read with and without the key", () => {
    const token = signToken(key, claims);
    assert.match(token, /^fct1\.[\w-]+\.[\w-]{43}$/);
    assert.deepEqual(verifyToken(key, token), claims);
    assert.deepEqual(decodeToken(token), claims);
    const { clients, ...any } = claims;
    assert.ok(clients);
    assert.deepEqual(verifyToken(key, signToken(key, any)), any);
  });

  it("is an HMAC that anyone with the key can compute", () => {
    const zeros = Buffer.alloc(32);
    const text = '{"id":"0123456789abcdef","role":"host","host":"a","issued":1,"expires":2}';
    const payload = Buffer.from(text).toString("base64url");
    const [, , mac] = signToken(zeros, JSON.parse(text) as TokenClaims).split(".");
    // printf 'fct1.%s' $payload |
    //   openssl dgst -sha256 -mac HMAC -macopt hexkey:00…00 -binary | base64url
    assert.equal(mac, "4AdYCUUhLenJmtKiX-h1vHcLhWDR2W5raYbQYmGLPXw");
    assert.equal(signToken(zeros, JSON.parse(text) as TokenClaims), `fct1.${payload}.${mac}`);
  });

  it("is invalid with another key, or with any character changed, inserted or removed", () => {
    const token = signToken(key, claims);
    assert.equal(verifyToken(parseTokenKey(newTokenKey()), token), undefined);
    const at = fc.nat(token.length - 1);
    fc.assert(
      fc.property(at, fc.nat(1), fc.string({ maxLength: 2 }), (i, taken, put) => {
        const other = token.slice(0, i) + put + token.slice(i + taken);
        assert.deepEqual(verifyToken(key, other), other === token ? claims : undefined);
      }),
    );
  });

  it("is not accepted if someone else forged it up", () => {
    const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const forged = [
      ...["", ".", "..", "fct1..", "fct1.x.y.z", "fct2.e30.x", "x".repeat(5000)],
      ...[null, 5, [], {}, { ...claims, id: "../x" }].map((value) => `fct1.${b64(value)}.x`),
      ...[5, [1], [2, 1], [0, 1.5], ["0", "1"]].map(
        (clients) => `fct1.${b64({ ...claims, clients })}.x`,
      ),
      `fct1.${b64({ ...claims, host: "a\u001b[2J" })}.x`,
    ];
    for (const token of forged) {
      assert.equal(verifyToken(key, token), undefined);
      assert.throws(() => decodeToken(token), /UserError/, token);
    }
  });

  it("is not issued for an invalid host name or range", () => {
    assert.throws(() => signToken(key, { ...claims, host: "two words" }), /a host's name/);
    assert.throws(() => signToken(key, { ...claims, clients: [3, 2] }), /a range of clients/);
  });
});

describe("a token key", () => {
  it("is 32 random bytes, as text", () => {
    assert.match(newTokenKey(), /^[\w-]{43}$/);
    assert.notEqual(newTokenKey(), newTokenKey());
    const text = newTokenKey();
    assert.deepEqual(parseTokenKey(`${text}\n`), Buffer.from(text, "base64url"));
    for (const bad of ["", "secret", text.slice(1), `${text}A`, `${text} x`]) {
      assert.throws(() => parseTokenKey(bad), /expected a token key, 32 bytes/);
    }
  });
});

it("formatRange formats indices like client ids", () => {
  assert.equal(formatRange([0, 14]), "c00-c14");
  assert.equal(formatRange([7, 123]), "c07-c123");
});
