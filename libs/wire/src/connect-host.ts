import { checkCoordinatorUrl } from "./join/coordinator-url.js";
import { checkHandshake } from "./send/checked-web-socket.js";
import { runClientHost, type Ending, type ClientHostOptions } from "./client-host.js";
import { tlsFault, tlsHint, type Certificates } from "./join/tls.js";

/** Options of a client host in Node.js. */
export interface NodeHostOptions extends ClientHostOptions {
  /**
   * TLS options for https: the trusted authorities (default: those of Node.js) and, if the
   * coordinator requires it, this host's certificate.
   */
  readonly tls?: Certificates;
}

/**
 * Runs a client host: joins the coordinator, runs the jobs that it sends, and joins again when the
 * connection breaks.
 * @returns when no job is running any more
 * @throws UserError if the address is invalid, the coordinator's certificate is not trusted, the
 * host is refused, or no coordinator is found in time
 * @throws the error with which `onWelcome` rejects
 */
export async function connectHost(options: NodeHostOptions): Promise<Ending> {
  const { url, tls = {} } = options;
  checkCoordinatorUrl(url);
  // Loaded lazily: a coordinator does not need it.
  const [{ io, NodeWebSocket }, { packetParser }] = await Promise.all([
    import("socket.io-client"),
    import("./send/packet-parser.js"),
  ]);
  const Transport = checkHandshake(NodeWebSocket);
  return await runClientHost(options, {
    open: (settings) =>
      io(url, {
        ...settings,
        parser: packetParser,
        transports: [Transport],
        ...tls,
        // regardless of the environment: nothing is sent to an untrusted end
        rejectUnauthorized: true,
      }),
    explain(error: Error & { readonly description?: unknown }) {
      // The error only says "websocket error"; its description has the cause, such as ECONNREFUSED.
      const { error: cause = error } = (error.description ?? {}) as { error?: Error };
      const fault = tlsFault(cause);
      if (fault !== undefined) return { why: fault, isFinal: true };
      return { why: cause.message + tlsHint(cause, url, tls), isFinal: false };
    },
  });
}
