import { writeFile } from "node:fs/promises";
import { UserError } from "@fedclair/core/errors";
import { print, readOptionFile } from "@fedclair/runs/program";
import {
  decodeToken,
  newTokenId,
  newTokenKey,
  parseTokenKey,
  formatRange,
  signToken,
} from "@fedclair/wire/signed-token";

export interface TokenOptions {
  readonly newKey?: string;
  readonly show?: string;
  readonly key?: string;
  readonly host?: string;
  readonly clients?: string;
  readonly expires: string;
}

/** `fedclair token`: creates a key, signs a token, or shows the content of a token. */
export async function token(options: TokenOptions): Promise<void> {
  print(await tokenText(options, Date.now()));
}

/** Runs `fedclair token`. @param now in ms since 1970 @returns the text to print */
export async function tokenText(options: TokenOptions, now: number): Promise<string> {
  const { newKey, show, key, host } = options;
  const wanted = [newKey, show, key].filter((one) => one !== undefined).length;
  if (wanted !== 1) {
    throw new UserError(
      "expected one of --new-key FILE, --key FILE with --host NAME, --show TOKEN",
    );
  }
  if (show !== undefined) return `${formatContent(show, now)}\n`;
  if (newKey !== undefined) {
    await writeNewKey(newKey);
    return "";
  }
  if (host === undefined) {
    throw new UserError("--host is missing: a token is for one host, which it names");
  }
  return `${signToken(readKey(key ?? ""), createClaims({ ...options, host }, now))}\n`;
}

/**
 * Writes a key that only the owner can read. Never overwrites a key, because that would invalidate
 * all tokens signed with it.
 */
async function writeNewKey(file: string): Promise<void> {
  try {
    await writeFile(file, `${newTokenKey()}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const { code = "?" } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "it is there already, and tokens may be signed with it" : code;
    throw new UserError(`--new-key: cannot write '${file}': ${why}`);
  }
}

function readKey(file: string): Buffer {
  return parseTokenKey(readOptionFile("--key", file));
}

function createClaims(
  { host, clients, expires }: TokenOptions & { readonly host: string },
  now: number,
) {
  const issued = Math.floor(now / 1000);
  return {
    id: newTokenId(),
    role: "host",
    host,
    issued,
    expires: issued + parseSeconds(expires),
    ...(clients !== undefined && { clients: parseRange(clients) }),
  };
}

/** Parses a range of clients. @param text for example c00-c14, or c07 for a single client */
function parseRange(text: string): [number, number] {
  const [, first, last = first] = /^c(\d{2,7})(?:-c(\d{2,7}))?$/.exec(text) ?? [];
  if (first !== undefined && Number(first) <= Number(last)) return [Number(first), Number(last)];
  throw new UserError(
    `--clients: expected the first and the last client, as c00-c14, got '${text}'`,
  );
}

const units: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 24 * 3600 };

/** Parses a duration. @param text for example 30m, 8h or 7d */
function parseSeconds(text: string): number {
  const [, number, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const seconds = Number(number) * (units[unit] ?? NaN);
  if (seconds > 0) return seconds;
  throw new UserError(`--expires: expected a time as 30m, 8h or 7d, got '${text}'`);
}

function formatContent(text: string, now: number): string {
  const { id, role, host, clients, issued, expires } = decodeToken(text.trim());
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  return [
    `id       ${id}`,
    `role     ${role}`,
    `host     ${host}`,
    `clients  ${clients ? formatRange(clients) : "any"}`,
    `issued   ${time(issued)}`,
    `expires  ${time(expires)}${expires * 1000 <= now ? " (expired)" : ""}`,
    "only the coordinator can check the signature",
  ].join("\n");
}
