import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";

/** Number of unread bytes on their way to a client above which its pings are not answered. */
const maxUnreadBytes = 64 * 1024;

/**
 * A websocket server whose answers to pings do not pile up in memory: a client that pings without
 * reading gets no further answers.
 */
export class BoundedWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, autoPong: false });
  }

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (client: WebSocket, request: IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, (client, from) => {
      client.on("ping", (data) => {
        if (client.bufferedAmount < maxUnreadBytes) client.pong(data);
      });
      callback(client, from);
    });
  }
}
