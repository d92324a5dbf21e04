import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "@fedclair/core";

/** What can be asked of a trial from outside. */
export interface Observed {
  readonly contentType: string;
  text(): Promise<string>;
  /** Undefined as long as the trial has not failed. */
  readonly failure: string | undefined;
  /** How far it is. */
  readonly state: object;
}

export interface MetricsServer {
  /** Without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** How long a request may take, in ms: nobody holds a connection open. */
const patience = 10_000;

/**
 * Serves `/metrics` and `/healthz`, which answers 200 while the trial runs and 503 once it has failed. Anybody who reaches
 * the address can read both, and do nothing else.
 * @param port 0 picks a free one
 * @throws UserError if it cannot listen there
 */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  observed: Observed,
): Promise<MetricsServer> {
  const server = createServer(
    { headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: 1000 },
    answer(observed),
  );
  server.maxConnections = 64;
  server.setTimeout(patience);
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
      const said = { ...state, ...(failure !== undefined && { failure }) };
      const status = failure === undefined ? 200 : 503;
      send(response, status, "application/json", JSON.stringify(said) + "\n");
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
