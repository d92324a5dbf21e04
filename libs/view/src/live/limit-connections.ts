import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";

/**
 * Limits the connections of a server. One more takes the place of the oldest that waits for a
 * request, so that nobody can lock readers out by connections that send nothing. If all are busy,
 * as with streams of events, it takes the place of the oldest from the address with the most. The
 * reader of a stream connects again by itself.
 */
export function limitConnections(server: Server | HttpsServer, most: number): void {
  // With TLS, the socket of a request is another object than that of its connection.
  const open = new Map<string, Socket>();
  const busy = new Set<string>();
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    if (open.size >= most) {
      const last = [...open.keys()].find((one) => !busy.has(one)) ?? findOldestOfMost(open);
      open.get(last)?.destroy();
      open.delete(last);
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

/** Finds the oldest connection from the address that has the most. */
function findOldestOfMost(open: ReadonlyMap<string, Socket>): string {
  const byAddress = new Map<string, string[]>();
  for (const [name, { remoteAddress = "" }] of open)
    byAddress.set(remoteAddress, [...(byAddress.get(remoteAddress) ?? []), name]);
  const [most] = [...byAddress.values()].sort((x, y) => y.length - x.length);
  return most?.[0] ?? "";
}

function nameOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
