import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { bind, closeServer } from "@fedclair/wire";

/** The metrics that the server publishes. */
export interface Published {
  readonly contentType: string;
  text(): Promise<string>;
}

/** The progress of the trial, with the reason if it has failed. */
export type Health = Readonly<Record<string, unknown>> & { readonly failure?: string };

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
 * @throws UserError if it cannot listen at the address
 */
export async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  metrics: Published,
  readHealth: () => Health,
): Promise<MetricsServer> {
  const server = createServer(
    {
      headersTimeout: requestTimeout,
      requestTimeout: requestTimeout,
      connectionsCheckingInterval: 1000,
    },
    answer(metrics, readHealth),
  );
  server.maxConnections = 64;
  server.setTimeout(requestTimeout);
  const url = await bind(server, address, "--metrics: ");
  return { url, close: () => closeServer(server) };
}

function answer(metrics: Published, readHealth: () => Health): RequestListener {
  return ({ method, url = "" }, response) => {
    const [path] = url.split("?", 1);
    if (method !== "GET" && method !== "HEAD") {
      send(response, 405, "text/plain", "only GET is answered\n");
    } else if (path === "/healthz") {
      const health = readHealth();
      const status = health.failure === undefined ? 200 : 503;
      send(response, status, "application/json", JSON.stringify(health) + "\n");
    } else if (path === "/metrics") {
      metrics.text().then(
        (text) => {
          send(response, 200, metrics.contentType, text);
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
