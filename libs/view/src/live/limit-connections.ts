import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";

/**
 * Limits the connections of a server. One more takes the place of the oldest that waits for a
 * request, so that nobody can lock readers out by connections that send nothing.
 */
export function limitConnections(server: Server | HttpsServer, most: number): void {
  // With TLS, the socket of a request is another object than that of its connection.
  const open = new Map<string, Socket>();
  const busy = new Set<string>();
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    if (open.size >= most) {
      const oldest = [...open.keys()].find((one) => !busy.has(one));
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      open.get(oldest)?.destroy();
      open.delete(oldest);
    }
    open.set(name, socket);
    socket.once("close", () => {
      if (open.get(name) === socket) open.delete(name);
      busy.delete(name);
    });
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const name = nameOf(socket);
    busy.add(name);
    response.once("close", () => busy.delete(name));
  });
}

function nameOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
