import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Log } from "./limited-log.js";

/** What an end of a connection shows and believes in a TLS handshake, all as PEM. */
export interface Certificates {
  /** The certificate authorities that it believes, and no others. A coordinator that names some takes hosts with a certificate alone. */
  readonly ca?: string;
  /** The certificate that it shows, with those between it and its authority. */
  readonly cert?: string;
  /** The private key of `cert`. */
  readonly key?: string;
}

/** The older ones are broken. Said here too, for Node.js can be started with less. */
const minVersion = "TLSv1.2";

/** @param tls without it the server speaks in clear @param log told of handshakes that fail */
export function createServer(
  answer: RequestListener,
  tls?: Certificates,
  log: Log = () => undefined,
): Server | HttpsServer {
  if (!tls) return createHttpServer(answer);
  const mutual = tls.ca !== undefined;
  const options = { ...tls, minVersion, requestCert: mutual, rejectUnauthorized: mutual } as const;
  const server = createHttpsServer(options, answer);
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // Of a certificate that is not believed, the error says no more than that the connection ended.
    const why = socket.authorizationError as unknown as string | undefined;
    log(`a TLS handshake failed: ${why ?? error.code ?? "?"}`, "warn");
  });
  return server;
}

/** What Node.js calls a certificate that is not believed. */
const disbelief =
  /^(ERR_TLS_CERT_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/;

/**
 * Why there is no connection, where trying again is of no use: the coordinator's certificate is not believed, or the two ends
 * do not agree on TLS.
 */
export function tlsFault({ code = "", message }: NodeJS.ErrnoException): string | undefined {
  if (disbelief.test(code)) {
    return `its certificate is not believed (${message}): give the authority of it by --tls-ca, and the address by a name that it holds`;
  }
  if (code !== "EPROTO" && !code.startsWith("ERR_SSL_")) return undefined;
  // The message is all that OpenSSL says, with a number of its own and its source.
  const [, reason = code] = /:SSL routines:[^:]*:([^:]+):/.exec(message) ?? [];
  return `no TLS with it (${reason})${advice(reason)}`;
}

function advice(reason: string): string {
  if (reason.includes("wrong version number")) return ": does it expect http://?";
  if (reason.includes("certificate required") || reason.includes("handshake failure"))
    return ": it may expect a certificate of this host, given by --tls-cert and --tls-key";
  return "";
}

/** What a connection that just ended may mean: an end that refuses the other in a handshake does not always say so. */
export function tlsHint(
  { code }: NodeJS.ErrnoException,
  url: string,
  { cert }: Certificates,
): string {
  if (code !== "ECONNRESET") return "";
  if (!url.startsWith("https:")) return " (does it expect https://?)";
  return cert === undefined ? "" : " (does it believe this host's certificate?)";
}
