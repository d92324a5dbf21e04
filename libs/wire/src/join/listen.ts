import type {
  IncomingMessage,
  RequestListener,
  Server as HttpServer,
  ServerResponse,
} from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Server, Socket } from "socket.io";
import { printable } from "@fedclair/core/internal";
import { bind } from "./bind.js";
import { ConnectionGuard } from "./connection-guard.js";
import {
  frameOverheadBytes,
  heartbeat,
  limitsBeforeWelcome,
  type Events,
} from "../codec/protocol.js";
import type { ChannelConnection } from "../send/channel.js";
import type { LogLine } from "./limited-log.js";
import { createServer } from "./tls.js";

/** The coordinator's end of one host's connection. */
export type HostSocket = Socket<Events, Events>;

/** The connection of a host as its channel needs it. */
export function connectionOf(socket: HostSocket): ChannelConnection {
  return {
    emit: (event, bytes, reply) => socket.emit(event, bytes, reply),
    close: () => {
      socket.conn.close();
    },
  };
}

/**
 * Maximum number of packets that wait until a connection can send. A host waits for replies, so it
 * has fewer than a hundred; one that asks on and on is cut off before they fill the memory.
 */
export const maxWaitingPackets = 512;

/** A websocket server that is listening. */
export interface Listener {
  readonly io: Server<Events, Events>;
  readonly guard: ConnectionGuard;
  readonly url: string;
  /** The origin of the page on which tabs join, if there is one. */
  readonly pageOrigin: string | undefined;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

/** A page on which browser tabs join. */
export interface JoinPage {
  /**
   * The scheme, host and port under which browsers open the page; default: those of the listening
   * server. Websockets are accepted from no other origin.
   */
  readonly origin?: string;
  /** Answers requests that are not for the websocket. */
  readonly answer: (origin: string, request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * Starts a websocket server.
 * @param port 0 picks a free one
 * @param server answers requests that are not for the websocket
 * @param page answers them instead, if tabs may join
 * @param logRefusal a log that strangers cannot flood
 * @throws UserError if it cannot listen there
 */
export async function listen(
  host: string,
  port: number,
  chunkBytes: number,
  server: HttpServer | HttpsServer = createServer(answerNotFound),
  page?: JoinPage,
  logRefusal: LogLine = () => undefined,
): Promise<Listener> {
  // Loaded lazily: a host or an in-process trial does not need it.
  const [socketIo, { BoundedWebSocketServer }, { packetParser }] = await Promise.all([
    import("socket.io"),
    import("./websocket-server.js"),
    import("../send/packet-parser.js"),
  ]);
  const io = new socketIo.Server<Events, Events>(server, {
    serveClient: false,
    transports: ["websocket"],
    // floats hardly shrink, and deflating them costs more than sending them
    perMessageDeflate: false,
    // With the default of 1 MB, a host that sends a longer frame would lose its connection.
    maxHttpBufferSize: Math.max(chunkBytes, limitsBeforeWelcome.chunkBytes) + frameOverheadBytes,
    ...heartbeat,
    wsEngine: BoundedWebSocketServer,
    parser: packetParser,
    // Hosts send no Origin. A browser does, even from a foreign page that probes this machine's
    // ports, so only that of the own page is accepted.
    allowRequest: ({ headers, socket }, decide) => {
      // Nobody else listens for errors until the request is decided, and an unhandled error would
      // end the process.
      socket.on("error", () => undefined);
      setTimeout(() => {
        const { origin } = headers;
        const isAllowed = origin === undefined || origin === pageOrigin;
        if (!isAllowed && origin !== refusedOrigin) {
          refusedOrigin = origin; // a tab tries again and again
          logRefusal(
            `refused a page of '${printable(origin, 200)}': ${adviceFor(pageOrigin)}`,
            "warn",
          );
        }
        decide(null, isAllowed);
      }, guard.delayOf(socket));
    },
  });
  let pageOrigin: string | undefined;
  let refusedOrigin: string | undefined;
  const guard = new ConnectionGuard(server);
  if (page) {
    server.on("request", (request, response) => {
      if (pageOrigin === undefined || request.url?.startsWith(io.path())) return;
      guard.allowDownload(request.socket);
      page.answer(pageOrigin, request, response);
    });
  }
  io.engine.on("connection", (connection: HostSocket["conn"]) => {
    const { socket } = connection.request;
    guard.countBytes(socket);
    let waiting = 0;
    connection.on("flush", () => (waiting = 0));
    connection.on("packetCreate", () => {
      if (++waiting > maxWaitingPackets) socket.destroy();
    });
  });
  const url = await bind(server, { host, port });
  // as browsers write it, without the scheme's usual port
  if (page) pageOrigin = page.origin ?? new URL(url).origin;
  return {
    io,
    guard,
    url,
    pageOrigin,
    close: async () => {
      const closed = io.close();
      // a host that does not answer the closing handshake would delay it for half a minute
      guard.close();
      await closed;
    },
  };
}

/** Says what lets a browser's page connect. */
function adviceFor(pageOrigin: string | undefined): string {
  return pageOrigin === undefined
    ? "tabs can join only with --join-page"
    : `tabs join only from ${pageOrigin}; open that, or start the coordinator with --join-page and the other address`;
}

export const answerNotFound: RequestListener = (_, response) => {
  response.writeHead(404, { "content-type": "text/plain" });
  response.end("a fedclair coordinator: client hosts connect by websocket\n");
};
