import assert from "node:assert/strict";
import { newTokenKey, parseTokenKey, signToken, type TokenClaims } from "./signed-token.js";
import { TokenCheck } from "./token-check.js";

const key = parseTokenKey(newTokenKey());
const claims: TokenClaims = {
  id: "0123456789abcdef",
  role: "host",
  host: "gpu-1",
  clients: [5, 14],
  issued: 1_000,
  expires: 2_000,
};
const tokenOf = (changes: Partial<TokenClaims> = {}) => signToken(key, { ...claims, ...changes });
const [before, after] = [1_999_999, 2_000_000];

describe("TokenCheck", () => {
  const revoked = new Set<string>();
  const check = new TokenCheck({ key, revoked: () => revoked }, 10);
  const why = (token: string, now = before) => {
    const decision = check.check(token, now);
    return "why" in decision ? decision : assert.fail("it is good");
  };
  beforeEach(() => {
    revoked.clear();
  });

  it("accepts a valid token until it expires if its range is part of the trial", () => {
    assert.deepEqual(check.check(tokenOf(), before), { claims });
    assert.deepEqual(why(tokenOf(), after), {
      why: "the token 0123456789abcdef of host 'gpu-1' expired at 1970-01-01T00:33:20.000Z: ask the coordinator's operator for a new one",
      isGuess: false,
    });
  });

  it("explains why a token is invalid, and whether it was a guess", () => {
    assert.match(why(tokenOf({ role: "operator" })).why, /is for the role operator, not for a/);
    const foreign = why(tokenOf({ clients: [10, 19] }));
    assert.match(foreign.why, /is for clients c10-c19, and the trial has only c00-c09$/);
    assert.equal(foreign.isGuess, false);
    assert.deepEqual(why(""), {
      why: "the host has no token: ask the coordinator's operator for one",
      isGuess: true,
    });
    for (const guess of ["secret", signToken(Buffer.alloc(32), claims)]) {
      assert.deepEqual(why(guess), {
        why: "the token was not signed with the coordinator's key: ask its operator for one",
        isGuess: true,
      });
    }
  });

  it("reads the revoked tokens each time, and accepts no token if that fails", () => {
    assert.ok("claims" in check.check(tokenOf(), before));
    revoked.add(claims.id);
    assert.match(why(tokenOf()).why, /^the token 0123456789abcdef of host 'gpu-1' was revoked$/);
    assert.equal(check.isRevoked(claims), true);
    const blind = new TokenCheck(
      {
        key,
        revoked: () => {
          throw new Error("EACCES");
        },
      },
      10,
    );
    assert.equal(blind.isRevoked(claims), undefined);
    const decision = blind.check(tokenOf(), before);
    assert.ok("why" in decision && decision.why.includes("cannot read which tokens"));
  });

  it("accepts only the shared secret, if there is one", () => {
    const shared = new TokenCheck({ secret: "a secret" }, 10);
    assert.deepEqual(shared.check("a secret"), { claims: undefined });
    for (const guess of ["", "a secre", "a secret ", tokenOf()]) {
      const decision = shared.check(guess, before);
      assert.ok("why" in decision && decision.isGuess);
    }
  });
});
