import type { Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { UserError } from "@fedclair/core";

/**
 * Lets a server listen.
 * @param port 0 picks a free one
 * @param option the command's option with the address, for the error message
 * @returns the URL of the server, without a path
 * @throws UserError if it cannot listen there
 */
export async function bind(
  server: HttpServer | HttpsServer,
  { host, port }: { readonly host: string; readonly port: number },
  option = "",
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = `cannot listen on ${host}:${port}: ${error.code ?? error.message}`;
      reject(new UserError(`${option}${why}; choose another address, or port 0 for any free port`));
    });
    server.listen(port, host, resolve);
  });
  const { family, address, port: bound } = server.address() as AddressInfo;
  const scheme = server instanceof HttpsServer ? "https" : "http";
  return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
}

/** Ends a server and all its connections. */
export function closeServer(server: HttpServer | HttpsServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
