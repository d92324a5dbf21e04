import type { IncomingMessage, RequestListener, Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { UserError } from "@fedclair/core";
import type { Server, Socket } from "socket.io";
import { Door } from "./door.js";
import { frameOverheadBytes, heartbeat, limitsBeforeWelcome, type Events } from "./protocol.js";
import { createServer } from "./tls.js";

/** The coordinator's end of one host's connection. */
export type HostSocket = Socket<Events, Events>;

/** A websocket server that listens. */
export interface Listener {
  readonly io: Server<Events, Events>;
  readonly door: Door;
  readonly url: string;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/**
 * @param port 0 picks a free one
 * @param server answers the requests that are not for the websocket
 * @throws UserError if it cannot listen there
 */
export async function listen(
  host: string,
  port: number,
  chunkBytes: number,
  server: HttpServer | HttpsServer = createServer(answerNotFound),
): Promise<Listener> {
  // Not before: a host and a trial in memory have no use for it.
  const [socketIo, { BoundedWebSocketServer }] = await Promise.all([
    import("socket.io"),
    import("./websocket-server.js"),
  ]);
  const io = new socketIo.Server<Events, Events>(server, {
    serveClient: false,
    transports: ["websocket"],
    perMessageDeflate: false, // floats hardly shrink, and deflating them costs more than sending them
    // The default of 1 MB cuts the connection of a host that sends a longer frame.
    maxHttpBufferSize: Math.max(chunkBytes, limitsBeforeWelcome.chunkBytes) + frameOverheadBytes,
    ...heartbeat,
    wsEngine: BoundedWebSocketServer,
    // Hosts send no Origin; a browser does, also from a foreign page that tries this machine's ports.
    allowRequest: ({ headers, socket }, decide) => {
      // Until it is decided nobody else listens for errors, and one that nobody hears ends the process.
      socket.on("error", () => undefined);
      setTimeout(() => {
        decide(null, headers.origin === undefined);
      }, door.delayOf(socket));
    },
  });
  const door = new Door(server);
  io.engine.on("connection", ({ request }: { readonly request: IncomingMessage }) => {
    door.listenTo(request.socket);
  });
  await bind(server, host, port);
  return {
    ...{ io, door },
    url: urlOf(server instanceof HttpsServer ? "https" : "http", server.address() as AddressInfo),
    close: async () => {
      const closed = io.close();
      door.close(); // a host that does not answer the closing handshake would hold it up for half a minute
      await closed;
    },
  };
}

function bind(server: HttpServer | HttpsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = `cannot listen on ${host}:${port}: ${error.code ?? error.message}`;
      reject(new UserError(`${why}; choose another address, or port 0 for any free port`));
    });
    server.listen(port, host, resolve);
  });
}

function urlOf(scheme: string, { family, address, port }: AddressInfo): string {
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

export const answerNotFound: RequestListener = (_, response) => {
  response.writeHead(404, { "content-type": "text/plain" });
  response.end("a fedclair coordinator: client hosts connect by websocket\n");
};
