import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "@fedclair/core";

/** The data that the server publishes. */
export interface Observed {
  readonly contentType: string;
  text(): Promise<string>;
  /** The reason if the trial has failed, otherwise undefined. */
  readonly failure: string | undefined;
  /** The progress of the trial. */
  readonly state: object;
}

export interface MetricsServer {
  /** The server's URL, without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** Time limit for a request, in ms, so that nobody can hold a connection open. */
const requestTimeout = 10_000;

/**
 * Serves `/metrics` and `/healthz`. `/healthz` answers 200 while the trial runs and 503 once it has
 * failed. Anyone who can reach the address can read both pages, but nothing else.
 * @param port 0 picks a free port
 * @throws UserError if it cannot listen at the address
 */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  observed: Observed,
): Promise<MetricsServer> {
  const server = createServer(
    {
      headersTimeout: requestTimeout,
      requestTimeout: requestTimeout,
      connectionsCheckingInterval: 1000,
    },
    answer(observed),
  );
  server.maxConnections = 64;
  server.setTimeout(requestTimeout);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = `cannot listen on ${host}:${port}: ${error.code ?? error.message}`;
      reject(new UserError(`--metrics: ${why}; choose another address, or port 0 for any free`));
    });
    server.listen(port, host, resolve);
  });
  const { family, address, port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function answer(observed: Observed): RequestListener {
  return ({ method, url = "" }, response) => {
    const [path] = url.split("?", 1);
    if (method !== "GET" && method !== "HEAD") {
      send(response, 405, "text/plain", "only GET is answered\n");
    } else if (path === "/healthz") {
      const { failure, state } = observed;
      const health = { ...state, ...(failure !== undefined && { failure }) };
      const status = failure === undefined ? 200 : 503;
      send(response, status, "application/json", JSON.stringify(health) + "\n");
    } else if (path === "/metrics") {
      observed.text().then(
        (text) => {
          send(response, 200, observed.contentType, text);
        },
        (error: unknown) => {
          send(response, 500, "text/plain", `${String(error)}\n`);
        },
      );
    } else send(response, 404, "text/plain", "try /metrics or /healthz\n");
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}
