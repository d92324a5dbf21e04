import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";

/** Bytes on their way to a far end that does not read, from which on its pings are not answered. */
const mostUnread = 64 * 1024;

/** A websocket server whose answers to pings do not pile up in its memory: who pings and does not read gets no more of them. */
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
        if (client.bufferedAmount < mostUnread) client.pong(data);
      });
      callback(client, from);
    });
  }
}
