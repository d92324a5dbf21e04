import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { AddressInfo } from "node:net";

/** A model on the server. */
export interface HubModel {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly licence?: string;
}

/** A request that the server has received. */
interface Received {
  readonly url: string;
  readonly token: string | undefined;
  readonly range: string | undefined;
}

type Intercept = (url: string, response: ServerResponse, request: IncomingMessage) => boolean;

const sha = (algorithm: string, ...parts: readonly (string | Uint8Array)[]) => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** Reads the files of a folder as a model. */
export function readModel(folder: string, licence?: string): HubModel {
  const files = new Map(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]),
  );
  return { files, ...(licence !== undefined && { licence }) };
}

/**
 * A server on this machine that speaks the part of the hub's API that an audit uses. Tests change
 * `models`, and set `intercept` to answer some requests with a fault.
 */
export class HubServer {
  readonly models = new Map<string, HubModel>();
  readonly received: Received[] = [];
  /** Answers a request in its own way, and returns true then. */
  intercept: Intercept = () => false;
  /** The number of models on a page of a list. */
  pageSize = 3;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this.url;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  commitOf(name: string): string {
    const { files } = this.models.get(name) ?? { files: new Map<string, Uint8Array>() };
    return sha("sha1", ...[...files].flat());
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = "/", headers } = request;
    const { authorization: token, range } = headers;
    this.received.push({ url, token, range });
    if (this.intercept(url, response, request)) return;
    const { pathname, searchParams } = new URL(url, this.url);
    if (pathname === "/api/models") {
      this.#list(searchParams, response);
      return;
    }
    const [, name = "", what = "", revision = "", path = ""] =
      /^(?:\/api\/models)?\/([^/]+\/[^/]+)\/(revision|paths-info|resolve)\/([^/]+)\/?(.*)$/.exec(
        pathname,
      ) ?? [];
    const model = this.models.get(name);
    const commit = this.commitOf(name);
    if (!model || !["main", "HEAD", "refs%2Fpr%2F3", commit].includes(revision)) {
      response.writeHead(404, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ error: "Not found" }));
    } else if (what === "revision") sendJson(response, describe(name, model, commit));
    else if (what === "resolve") sendFile(response, model.files.get(path), range);
    else {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const { paths } = JSON.parse(Buffer.concat(chunks).toString()) as { paths: string[] };
      const known = paths.flatMap((one) => {
        const content = model.files.get(one);
        return content === undefined ? [] : [announce(one, content)];
      });
      sendJson(response, known);
    }
  }

  /** Lists the models of a base, page by page. */
  #list(search: URLSearchParams, response: ServerResponse): void {
    const [, base] = /^base_model:adapter:(.*)$/.exec(search.get("filter") ?? "") ?? [];
    const all = [...this.models].filter(([, { files }]) => {
      const config = JSON.parse(
        Buffer.from(files.get("adapter_config.json") ?? Buffer.from("{}")).toString(),
      ) as { base_model_name_or_path?: string };
      return config.base_model_name_or_path === base;
    });
    const from = Number(search.get("cursor") ?? 0);
    const to = from + this.pageSize;
    if (to < all.length) {
      search.set("cursor", String(to));
      response.setHeader("Link", `<${this.url}/api/models?${search.toString()}>; rel="next"`);
    }
    const page = all.slice(from, to).map(([name, model]) => describe(name, model, ""));
    sendJson(response, page);
  }
}

function describe(name: string, { files, licence }: HubModel, commit: string): object {
  return {
    _id: name,
    id: name,
    sha: commit,
    private: false,
    gated: false,
    downloads: 1,
    likes: 0,
    lastModified: "2026-01-02T03:04:05.000Z",
    siblings: [...files.keys()].map((rfilename) => ({ rfilename })),
    cardData: licence === undefined ? {} : { license: licence },
  };
}

function announce(path: string, content: Uint8Array): object {
  const size = content.length;
  const oid = sha("sha1", `blob ${size}\0`, content);
  const lfs = { oid: sha("sha256", content), size, pointerSize: 100 };
  return { type: "file", path, size, oid, ...(path.endsWith(".safetensors") && { lfs }) };
}

function sendJson(response: ServerResponse, value: object): void {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(value));
}

function sendFile(
  response: ServerResponse,
  content: Uint8Array | undefined,
  range: string | undefined,
): void {
  const [, from] = /^bytes=(\d+)-/.exec(range ?? "") ?? [];
  if (content === undefined) response.writeHead(404).end();
  else if (from === undefined) response.end(content);
  else {
    const end = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(206, { "Content-Range": end }).end(content.subarray(Number(from)));
  }
}
