import { io, WebSocket } from "socket.io-client";
import { runClientHost, type Ending, type ClientHostOptions } from "./client-host.js";
import { packetParser } from "./send/packet-parser.js";

/**
 * Runs a client host in a browser, best in a worker: a page's own timers are slowed down while it
 * is in the background. The browser checks the coordinator's certificate.
 * @returns and throws as `connectHost` does
 */
export function connectTab(options: ClientHostOptions): Promise<Ending> {
  return runClientHost(options, {
    open: (settings) =>
      io(options.url, { ...settings, parser: packetParser, transports: [WebSocket] }),
    // A browser does not tell a page why a connection failed.
    explain: ({ message }) => ({
      why: `${message}; if a coordinator runs there, its log says whether it refuses this page's address`,
      isFinal: false,
    }),
  });
}
