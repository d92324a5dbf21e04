import { UserError } from "@fedclair/core";
import type { LogLine } from "./limited-log.js";
import type { Certificates } from "./tls.js";
import type { TokenRule } from "./token-check.js";

/**
 * Whether only this machine can reach the address.
 * @param host a name or an address; IPv6 also in brackets
 */
export function isLoopback(host: string): boolean {
  return ["localhost", "::1", "[::1]"].includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** What a coordinator requires from hosts that connect. */
export interface ListenSecurity {
  /**
   * How hosts are authenticated; required unless `host` is a loopback address. Default: no token.
   */
  readonly tokens?: TokenRule;
  /**
   * TLS certificates, at least `cert` and `key`. Required, or else `insecure`, unless `host` is a
   * loopback address.
   */
  readonly tls?: Certificates;
  /** Whether other machines may connect without TLS. */
  readonly insecure?: boolean;
}

/**
 * @throws UserError if other machines could join without a token, or traffic would be unencrypted
 * without `insecure`
 */
export function checkExposure(host: string, security: ListenSecurity, log: LogLine): void {
  if (isLoopback(host)) return;
  const { tokens = { secret: "" }, tls, insecure = false } = security;
  const opens = `listening on ${host} lets other machines in`;
  if ("secret" in tokens && tokens.secret === "") {
    throw new UserError(`${opens}: set a token, or listen on 127.0.0.1`);
  }
  if (tls) return;
  if (!insecure) {
    throw new UserError(
      `${opens}, and without TLS everything is sent in clear text, including the token: give --tls-cert and --tls-key (docs/security.md), ` +
        "or --insecure where the network or a tunnel is trusted",
    );
  }
  log(
    `${opens} without TLS: anyone who can see the network can read the token and every update`,
    "warn",
  );
}
