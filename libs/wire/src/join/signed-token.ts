import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { UserError } from "@fedclair/core/errors";

/** The claims of a signed token: who holds it and what it allows. */
export interface TokenClaims {
  /** Id of this token, used to revoke it. */
  readonly id: string;
  /** The role that it grants; so far always `host`. */
  readonly role: string;
  /** The name of the host. */
  readonly host: string;
  /** Indices of the first and the last client that the host may be given; undefined: any. */
  readonly clients?: readonly [number, number];
  /** When it was issued, in seconds since 1970. It is valid until `expires`, in the same unit. */
  readonly issued: number;
  readonly expires: number;
}

const prefix = "fct1";
const keyBytes = 32;
const idBytes = 8;
/** Maximum length of a token in characters; real tokens are shorter. */
const maxLength = 1024;
const name = /^[\w.-]{1,64}$/;
const tokenId = new RegExp(`^[0-9a-f]{${2 * idBytes}}$`);

/** Creates a key, as text. Anyone who has it can sign tokens. */
export function newTokenKey(): string {
  return randomBytes(keyBytes).toString("base64url");
}

/** @param text written by `newTokenKey` @throws UserError if it is not a key */
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

/** @throws UserError if the claims are invalid, for example a host name with other characters */
export function signToken(key: Buffer, claims: TokenClaims): string {
  const payload = Buffer.from(JSON.stringify(checkClaims(claims))).toString("base64url");
  return `${prefix}.${payload}.${computeMac(key, payload)}`;
}

/**
 * Decodes a token without checking its signature.
 * @returns its claims
 * @throws UserError if it is malformed
 */
export function decodeToken(token: string): TokenClaims {
  const [first, payload = "", mac, ...more] = token.length > maxLength ? [] : token.split(".");
  if (first !== prefix || mac === undefined || more.length > 0) throw createMalformedError();
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  } catch {
    throw createMalformedError();
  }
  return checkClaims(claims);
}

/** @returns the token's claims; undefined if it was not signed with this key */
export function verifyToken(key: Buffer, token: string): TokenClaims | undefined {
  const [, payload = ""] = token.length > maxLength ? [] : token.split(".");
  // The signature is checked before anything in the token is read.
  if (!isSameSecret(token, `${prefix}.${payload}.${computeMac(key, payload)}`)) return undefined;
  return decodeToken(token);
}

/** Compares in a time that depends neither on where the two differ nor on their lengths. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Formats a range of clients, for example `c00-c14`. */
export function formatRange([first, last]: readonly [number, number]): string {
  return [first, last].map((index) => `c${String(index).padStart(2, "0")}`).join("-");
}

function computeMac(key: Buffer, payload: string): string {
  return createHmac("sha256", key).update(`${prefix}.${payload}`).digest("base64url");
}

/** Checks decoded claims. @returns the known claims and no other fields */
function checkClaims(claims: unknown): TokenClaims {
  const { id, role, host, clients, issued, expires } = (claims ?? {}) as Partial<TokenClaims>;
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
  if (!isOne || !isWhole(issued) || !isWhole(expires)) throw createMalformedError();
  return { id, role, host, ...(clients && { clients }), issued, expires } as TokenClaims;
}

function createMalformedError(): UserError {
  return new UserError("this is no signed token, as fedclair token prints them");
}
