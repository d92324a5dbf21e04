import { formatRange, sameSecret, verifyToken, type TokenClaims } from "./signed-token.js";

/** By what a coordinator knows its hosts: the secret that all of them share, or the key that signed each one's own token. */
export type TokenRule =
  | { readonly secret: string }
  | {
      readonly key: Buffer;
      /** Ids of the tokens that are good no more, as of now. @throws if they cannot be told */
      readonly revoked: () => ReadonlySet<string>;
    };

/** Whether a token is good, and whose it is if it is a signed one. */
export type TokenJudgement =
  | { readonly claims: TokenClaims | undefined }
  | { readonly why: string; readonly isGuess: boolean };

/** Judges join tokens. What it says of a bad one is for its holder, and tells nothing that the holder does not know. */
export class TokenCheck {
  readonly #rule: TokenRule;
  readonly #clients: number;

  /** @param clients of the trial, whose indices begin at 0 */
  constructor(rule: TokenRule, clients: number) {
    this.#rule = rule;
    this.#clients = clients;
  }

  /** @param now in ms since 1970 */
  judge(token: string, now = Date.now()): TokenJudgement {
    if ("secret" in this.#rule) {
      if (sameSecret(token, this.#rule.secret)) return { claims: undefined };
      const why = "the token is not the coordinator's: start the host with the same one";
      return { why, isGuess: true };
    }
    const claims = verifyToken(this.#rule.key, token);
    if (!claims) {
      const why = "the token was not signed with the coordinator's key: ask its operator for one";
      return { why, isGuess: true };
    }
    const why = this.#objection(claims, now);
    return why === undefined ? { claims } : { why, isGuess: false };
  }

  /** @returns undefined if that cannot be told now */
  isRevoked({ id }: TokenClaims): boolean | undefined {
    try {
      return "key" in this.#rule && this.#rule.revoked().has(id);
    } catch {
      return undefined;
    }
  }

  #objection(claims: TokenClaims, now: number): string | undefined {
    const { id, role, host, clients, expires } = claims;
    const whose = `the token ${id} of host '${host}'`;
    if (role !== "host") return `${whose} is for the role ${role}, not for a host`;
    if (now >= expires * 1000) {
      return `${whose} expired at ${new Date(expires * 1000).toISOString()}: ask the coordinator's operator for a new one`;
    }
    const isRevoked = this.isRevoked(claims);
    if (isRevoked) return `${whose} was revoked`;
    if (isRevoked === undefined) {
      return "the coordinator cannot read which tokens are revoked: its operator must mend that";
    }
    if (clients && clients[0] >= this.#clients) {
      return `${whose} is for clients ${formatRange(clients)}, and the trial has ${formatRange([0, this.#clients - 1])} alone`;
    }
    return undefined;
  }
}
