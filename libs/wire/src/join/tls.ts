import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import type { LogLine } from "./limited-log.js";

/** Certificates that one end of a TLS connection presents and trusts, all as PEM. */
export interface Certificates {
  /**
   * The only certificate authorities that it trusts. A coordinator with a `ca` accepts only hosts
   * that present a certificate.
   */
  readonly ca?: string;
  /** The certificate that it presents, followed by the intermediate ones up to its authority. */
  readonly cert?: string;
  /** The private key of `cert`. */
  readonly key?: string;
}

/**
 * Older versions are broken. It is set explicitly because Node.js can be started with a lower
 * minimum.
 */
const minVersion = "TLSv1.2";

/** @param tls without it the server does not encrypt @param log called when a handshake fails */
export function createServer(
  answer: RequestListener,
  tls?: Certificates,
  log: LogLine = () => undefined,
): Server | HttpsServer {
  if (!tls) return createHttpServer(answer);
  const mutual = tls.ca !== undefined;
  const options = { ...tls, minVersion, requestCert: mutual, rejectUnauthorized: mutual } as const;
  const server = createHttpsServer(options, answer);
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // For an untrusted certificate, the error itself only says that the connection ended.
    const why = socket.authorizationError as unknown as string | undefined;
    const advice = clockFaults.has(why ?? "") ? `: ${clockAdvice()}` : "";
    log(`a TLS handshake failed: ${why ?? error.code ?? "?"}${advice}`, "warn");
  });
  return server;
}

/** Error codes of Node.js for a certificate that it does not trust. */
const disbelief =
  /^(ERR_TLS_CERT_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/;

/** The certificate is not valid yet, or not any more, by the clock of this machine. */
const clockFaults: ReadonlySet<string> = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);

/** Advises to check the clock, which decides whether a certificate is valid. */
function clockAdvice(): string {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return `check the clock of this machine, which says ${now}`;
}

/**
 * Explains why a connection is impossible, in cases where retrying is useless: the coordinator's
 * certificate is not trusted, or the two ends do not agree on TLS.
 * @returns undefined in all other cases
 */
export function tlsFault({ code = "", message }: NodeJS.ErrnoException): string | undefined {
  if (clockFaults.has(code)) {
    return `its certificate is not believed (${message}): ${clockAdvice()}, or ask for a new certificate`;
  }
  if (disbelief.test(code)) {
    return `its certificate is not believed (${message}): give the authority of it by --tls-ca, and the address by a name that it holds`;
  }
  if (code !== "EPROTO" && !code.startsWith("ERR_SSL_")) return undefined;
  // The message is everything that OpenSSL reports, including an internal number and its source
  // file.
  const [, reason = code] = /:SSL routines:[^:]*:([^:]+):/.exec(message) ?? [];
  return `no TLS with it (${reason})${advice(reason)}`;
}

function advice(reason: string): string {
  if (reason.includes("wrong version number")) return ": does it expect http://?";
  if (reason.includes("certificate required") || reason.includes("handshake failure"))
    return ": it may expect a certificate of this host, given by --tls-cert and --tls-key";
  return "";
}

/**
 * Suggests the cause of a connection that just ended: an end that rejects the other in a handshake
 * does not always report it.
 */
export function tlsHint(
  { code }: NodeJS.ErrnoException,
  url: string,
  { cert }: Certificates,
): string {
  if (code !== "ECONNRESET") return "";
  if (!url.startsWith("https:")) return " (does it expect https://?)";
  return cert === undefined ? "" : " (does it believe this host's certificate?)";
}
