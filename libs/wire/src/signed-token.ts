import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { UserError } from "@fedclair/core/errors";

/** What a signed token says: whose it is, and what for. */
export interface TokenClaims {
  /** Of this token, by which it can be revoked. */
  readonly id: string;
  /** What it lets its holder be: so far a `host`. */
  readonly role: string;
  /** The name of the host. */
  readonly host: string;
  /** Indices of the first and the last client that the host may be given; undefined: any. */
  readonly clients?: readonly [number, number];
  /** When it was made, and when it ends to be good, in seconds since 1970. */
  readonly issued: number;
  readonly expires: number;
}

const prefix = "fct1";
const keyBytes = 32;
const idBytes = 8;
/** Characters that a token has at most; none is that long. */
const maxLength = 1024;
const name = /^[\w.-]{1,64}$/;
const tokenId = new RegExp(`^[0-9a-f]{${2 * idBytes}}$`);

/** A new key, as text: whoever has it makes tokens. */
export function newTokenKey(): string {
  return randomBytes(keyBytes).toString("base64url");
}

/** @param text of `newTokenKey` @throws UserError if it is no key */
export function parseTokenKey(text: string): Buffer {
  const key = Buffer.from(text.trim(), "base64url");
  if (key.length === keyBytes && key.toString("base64url") === text.trim()) return key;
  throw new UserError(
    `expected a token key, ${keyBytes} bytes as fedclair token --new-key writes them`,
  );
}

export function newTokenId(): string {
  return randomBytes(idBytes).toString("hex");
}

/** @throws UserError if the claims are none, as a host name of other characters */
export function signToken(key: Buffer, claims: TokenClaims): string {
  const payload = Buffer.from(JSON.stringify(checked(claims))).toString("base64url");
  return `${prefix}.${payload}.${macOf(key, payload)}`;
}

/** @returns what a token says, whoever made it @throws UserError if it is none */
export function decodeToken(token: string): TokenClaims {
  const [first, payload = "", mac, ...more] = token.length > maxLength ? [] : token.split(".");
  if (first !== prefix || mac === undefined || more.length > 0) throw notOne();
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(payload, "base64url").toString());
  } catch {
    throw notOne();
  }
  return checked(said);
}

/** @returns what the token says; undefined if it is none of this key */
export function verifyToken(key: Buffer, token: string): TokenClaims | undefined {
  const [, payload = ""] = token.length > maxLength ? [] : token.split(".");
  // Nothing of a token is read before it is known who made it.
  if (!sameSecret(token, `${prefix}.${payload}.${macOf(key, payload)}`)) return undefined;
  return decodeToken(token);
}

/** Takes the same time wherever the two differ, and whatever their lengths. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** As `c00-c14`. */
export function formatRange([first, last]: readonly [number, number]): string {
  return [first, last].map((index) => `c${String(index).padStart(2, "0")}`).join("-");
}

function macOf(key: Buffer, payload: string): string {
  return createHmac("sha256", key).update(`${prefix}.${payload}`).digest("base64url");
}

/** @returns the claims and nothing beside them */
function checked(said: unknown): TokenClaims {
  const { id, role, host, clients, issued, expires } = (said ?? {}) as Partial<TokenClaims>;
  const isWhole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof host !== "string" || !name.test(host)) {
    throw new UserError("a host's name: expected at most 64 letters, digits and any of . _ -");
  }
  if (clients !== undefined) {
    const [first = -1, last = -1] = Array.isArray(clients) ? (clients as number[]) : [];
    if (!isWhole(first) || !isWhole(last) || first > last) {
      throw new UserError("a range of clients: expected the first and the last one, as c00-c14");
    }
  }
  const isOne = tokenId.test(String(id)) && name.test(String(role));
  if (!isOne || !isWhole(issued) || !isWhole(expires)) throw notOne();
  return { id, role, host, ...(clients && { clients }), issued, expires } as TokenClaims;
}

function notOne(): UserError {
  return new UserError("this is no signed token, as fedclair token prints them");
}
