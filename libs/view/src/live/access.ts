import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isLoopback, isSameSecret } from "@fedclair/wire";

/**
 * Checks the request's `Host`. A foreign page could give its own name the address 127.0.0.1 and
 * then read this server as its own origin (DNS rebinding), so a server on a loopback address
 * answers only to loopback names. Other servers have a token, which such a page does not know.
 * @param address at which the server listens
 */
export function hasAllowedHost({ headers }: IncomingMessage, address: string): boolean {
  const { host = "" } = headers;
  return !isLoopback(address) || isLoopback(host.replace(/:\d+$/, "").toLowerCase());
}

/** The cookie does not contain the token itself, so that it is worth nothing elsewhere. */
function cookieValue(token: string): string {
  return createHmac("sha256", token).update("cookie of the page").digest("base64url");
}

/** Each token has its own cookie, because a browser shares cookies between ports of a host. */
function cookieName(token: string): string {
  return `fedclair-page-${cookieValue(token).slice(0, 8)}`;
}

/** The cookie for a reader who has shown the token. */
export function cookieHeader(token: string, isEncrypted: boolean): string {
  const secure = isEncrypted ? "; Secure" : "";
  return `${cookieName(token)}=${cookieValue(token)}; Path=/; HttpOnly; SameSite=Strict${secure}`;
}

/** Has the reader shown the token, in a header `Authorization: Bearer` or by the cookie? */
export function isAllowed(request: IncomingMessage, token: string): boolean {
  if (hasBearer(request, token)) return true;
  const { headers } = request;
  const [, cookie] =
    new RegExp(`(?:^|;\\s*)${cookieName(token)}=([\\w-]+)`).exec(headers.cookie ?? "") ?? [];
  return cookie !== undefined && isSameSecret(cookie, cookieValue(token));
}

/** Does the request have the token in its header `Authorization: Bearer`? */
export function hasBearer({ headers }: IncomingMessage, token: string): boolean {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  return bearer !== undefined && isSameSecret(bearer, token);
}
