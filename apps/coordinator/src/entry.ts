import { UserError } from "@fedclair/core";
import { readCertificates, readOptionFile, readToken } from "@fedclair/runs";
import type { Certificates, TokenRule } from "@fedclair/wire";
import { parseTokenKey } from "@fedclair/wire/signed-token";

/** Options that control which hosts may join, and how. */
export interface EntryOptions {
  readonly tokenFile?: string;
  readonly tokenKey?: string;
  readonly revoked?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
}

/**
 * Reads how to check tokens.
 * @returns undefined if there is no token
 * @throws UserError for unusable files
 */
export function tokensOf({ tokenFile, tokenKey, revoked }: EntryOptions): TokenRule | undefined {
  if (tokenKey === undefined) {
    if (revoked !== undefined) {
      throw new UserError("--revoked goes with --token-key: a shared token has no id");
    }
    const secret = readToken(tokenFile);
    return secret === undefined ? undefined : { secret };
  }
  const text = readOptionFile("--token-key", tokenKey);
  const ids = () => new Set(revoked === undefined ? [] : readRevokedIds(revoked));
  ids(); // reports a missing file now rather than when a host joins
  return { key: parseKey(text, tokenKey), revoked: ids };
}

/**
 * Reads certificates and key.
 * @returns undefined if there is no TLS
 * @throws UserError for unusable files
 */
export function certificatesOf(options: EntryOptions): Certificates | undefined {
  const tls = readCertificates({
    ca: ["--tls-client-ca", options.tlsClientCa],
    cert: ["--tls-cert", options.tlsCert],
    key: ["--tls-key", options.tlsKey],
  });
  if (tls && tls.cert === undefined) {
    throw new UserError("--tls-client-ca goes with --tls-cert and --tls-key");
  }
  return tls;
}

function parseKey(text: string, file: string): Buffer {
  try {
    return parseTokenKey(text);
  } catch (error) {
    throw new UserError(`--token-key: '${file}': ${(error as Error).message}`);
  }
}

/**
 * Reads token ids: the first word of each line; the rest is a comment. The file is read
 * synchronously, so that no message of a host is handled in between.
 */
function readRevokedIds(file: string): string[] {
  return readOptionFile("--revoked", file)
    .split("\n")
    .map((line) => line.trim().split(/\s/)[0] ?? "");
}
