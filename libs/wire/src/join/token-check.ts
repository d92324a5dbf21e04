import { formatRange, isSameSecret, verifyToken, type TokenClaims } from "./signed-token.js";

/**
 * How a coordinator authenticates its hosts: by a secret that all of them share, or by the key that
 * signed each host's own token.
 */
export type TokenRule =
  | { readonly secret: string }
  | {
      readonly key: Buffer;
      /**
       * Returns the ids of the tokens that are revoked at the moment.
       * @throws if they cannot be read
       */
      readonly revoked: () => ReadonlySet<string>;
    };

/**
 * The result of checking a token: the claims of a valid one (undefined for a shared secret), or the
 * reason for rejecting it.
 */
type TokenDecision =
  | { readonly claims: TokenClaims | undefined }
  | { readonly why: string; readonly isGuess: boolean };

/**
 * Checks join tokens. The reason for rejecting a token is sent to its holder, so it reveals nothing
 * that the holder does not know.
 */
export class TokenCheck {
  readonly #rule: TokenRule;
  readonly #clients: number;

  /** @param clients number of clients of the trial, whose indices begin at 0 */
  constructor(rule: TokenRule, clients: number) {
    this.#rule = rule;
    this.#clients = clients;
  }

  /** @param now in ms since 1970 */
  check(token: string, now = Date.now()): TokenDecision {
    if ("secret" in this.#rule) {
      if (isSameSecret(token, this.#rule.secret)) return { claims: undefined };
      const why =
        token === ""
          ? "the host has no token: start it with the coordinator's"
          : "the token is not the coordinator's: start the host with the same one";
      return { why, isGuess: true };
    }
    const claims = verifyToken(this.#rule.key, token);
    if (!claims) {
      const why =
        token === ""
          ? "the host has no token: ask the coordinator's operator for one"
          : "the token was not signed with the coordinator's key: ask its operator for one";
      return { why, isGuess: true };
    }
    const why = this.#objection(claims, now);
    return why === undefined ? { claims } : { why, isGuess: false };
  }

  /** @returns undefined if it cannot be determined at the moment */
  isRevoked({ id }: TokenClaims): boolean | undefined {
    try {
      return "key" in this.#rule && this.#rule.revoked().has(id);
    } catch {
      return undefined;
    }
  }

  #objection(claims: TokenClaims, now: number): string | undefined {
    const { id, role, host, clients, expires } = claims;
    const label = `the token ${id} of host '${host}'`;
    if (role !== "host") return `${label} is for the role ${role}, not for a host`;
    if (now >= expires * 1000) {
      return `${label} expired at ${new Date(expires * 1000).toISOString()}: ask the coordinator's operator for a new one`;
    }
    const isRevoked = this.isRevoked(claims);
    if (isRevoked) return `${label} was revoked`;
    if (isRevoked === undefined) {
      return "the coordinator cannot read which tokens are revoked: its operator must fix that";
    }
    if (clients && clients[0] >= this.#clients) {
      return `${label} is for clients ${formatRange(clients)}, and the trial has only ${formatRange([0, this.#clients - 1])}`;
    }
    return undefined;
  }
}
