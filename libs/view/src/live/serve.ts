import { createReadStream } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { UserError } from "@fedclair/core";
import { errorMessage, printable } from "@fedclair/core/internal";
import { hashSource } from "../report/hash-source.js";
import { readPageFile } from "../report/page-site.js";
import { openRegularFile, readOnlyInside, type TrialDescription } from "@fedclair/runs";
import { bind, closeServer, createServer, isSameSecret, type Certificates } from "@fedclair/wire";
import { cookieHeader, hasAllowedHost, hasBearer, isAllowed } from "./access.js";
import { readClientRounds, readOneRound } from "../data/client-rounds.js";
import { comparePage } from "./compare-page.js";
import { listEntries } from "../data/listing.js";
import { limitConnections } from "./limit-connections.js";
import { LiveRun, type Describe } from "./live-run.js";
import { maxCompared, type ReplayOffer } from "../data/protocol.js";
import { rememberDescriptions } from "./remember-descriptions.js";
import { findReplays, Replays, type ReplayOptions } from "./replays.js";
import { findInside } from "./run-paths.js";
import { streamRun } from "./stream-run.js";
import { readSweepView } from "../data/sweep-view.js";

export interface PageServerOptions {
  /** The folder of a run, of a sweep, or of several of them. */
  readonly root: string;
  /** Is the folder that of a run, which need not exist yet? Default: whatever is in it decides. */
  readonly isRun?: boolean;
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The secret that readers need. Default: none. */
  readonly token?: string | undefined;
  readonly tls?: Certificates | undefined;
  /** Default: nothing can be started from the page. */
  readonly replays?: ReplayOptions | undefined;
  readonly describe: Describe;
}

export interface PageServer {
  /** The address for a browser, without a token. */
  readonly url: string;
  /** Sends what is new to all readers, and stops listening. */
  close(): Promise<void>;
}

/** Connections at a time; each reader of a run keeps one open. */
const maxConnections = 64;

/** Time for the headers of a request to arrive, in ms, so that nobody can hold a connection. */
const headersTimeout = 10_000;

/** Longest address of a request, in characters. */
const maxUrl = 8192;

/**
 * Nothing comes from elsewhere, no script or style is in the markup, and no page may frame this.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * A report has its style and its script in the markup. Its folder may come from others, so no
 * script runs but the one that this release writes into reports.
 */
function reportPolicy(): string {
  return `sandbox allow-same-origin allow-popups allow-scripts; default-src 'none'; script-src ${hashSource(readPageFile("report.js"))}; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'`;
}

const commonHeaders = {
  "cache-control": "no-store",
  "content-security-policy": pagePolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

type SiteFile = "index.html" | "page.js" | "page.css";

/** The files of the page, by their addresses. */
const siteFiles: ReadonlyMap<string, SiteFile> = new Map([
  ["/", "index.html"],
  ["/page.js", "page.js"],
  ["/page.css", "page.css"],
]);

/** Lists the replays without a client; POST starts one. */
const replayAddress = "/api/replay";

/** The address of a report, or of one of its figures: the path of the run, and the file. */
const reportFile =
  /^\/report\/(?:(.+)\/)?(report\.html|figures\/[\w-]+\.(?:svg|png|csv|vl\.json))$/;

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".csv": "text/csv; charset=utf-8",
  ".json": "application/json; charset=utf-8",
};

/**
 * Serves the page and the runs in a folder. It answers only GET and HEAD and changes nothing. With
 * `replays`, it also starts replays for readers who have their token.
 * @throws UserError if it cannot listen at the address, or the page was not built
 */
export async function servePage(options: PageServerOptions): Promise<PageServer> {
  const { host, port, tls } = options;
  for (const file of siteFiles.values()) readPageFile(file);
  const handler = new Handler(options);
  const answer: RequestListener = (request, response) => {
    void handler.answer(request, response);
  };
  const server = createServer(answer, tls);
  limitConnections(server, maxConnections);
  server.headersTimeout = headersTimeout;
  const url = await bind(server, { host, port });
  return {
    url,
    close: async () => {
      await handler.close();
      await closeServer(server);
    },
  };
}

/** A request that was not answered with success. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const nothingHere = () => new Refusal(404, "there is nothing at this address");

class Handler {
  readonly #options: PageServerOptions;
  readonly #runs = new Map<string, LiveRun>();
  readonly #replays: Replays | undefined;
  readonly #streams = new Set<{ readonly end: AbortController; readonly done: Promise<void> }>();

  constructor(options: PageServerOptions) {
    this.#options = { ...options, describe: rememberDescriptions(options.describe) };
    this.#replays = options.replays && new Replays(options.replays);
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    try {
      await readOnlyInside(this.#options.root, () => this.#answer(request, response));
    } catch (error) {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const status =
        error instanceof Refusal ? error.status : error instanceof UserError ? 422 : 500;
      sendText(response, status, error instanceof Refusal ? error.message : errorMessage(error));
    }
  }

  /** Lets every reader get what is new, and ends all streams. */
  async close(): Promise<void> {
    await this.#replays?.close();
    const runs = [...this.#runs.values()];
    await readOnlyInside(this.#options.root, () => Promise.all(runs.map((run) => run.look())));
    const streams = [...this.#streams];
    for (const { end } of streams)
      setImmediate(() => {
        end.abort();
      });
    await Promise.race([
      Promise.all(streams.map(({ done }) => done)),
      new Promise((resolve) => setTimeout(resolve, 1000).unref()),
    ]);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: target = "" } = request;
    const { host, token, tls } = this.#options;
    const isStart = method === "POST" && this.#replays && target.startsWith(`${replayAddress}?`);
    if (method !== "GET" && method !== "HEAD" && !isStart) {
      response.setHeader("allow", "GET, HEAD");
      throw new Refusal(405, "only GET is answered");
    }
    if (target.length > maxUrl) throw new Refusal(414, "the address is too long");
    if (!hasAllowedHost(request, host)) {
      throw new Refusal(
        403,
        "this page answers only to names of this machine: open it as http://127.0.0.1 or http://localhost",
      );
    }
    const url = parseTarget(target);
    if (token !== undefined && isSameSecret(url.searchParams.get("token") ?? "", token)) {
      response.setHeader("set-cookie", cookieHeader(token, tls !== undefined));
      response.writeHead(303, { location: url.pathname }).end();
      return;
    }
    if (token !== undefined && !isAllowed(request, token)) {
      response.setHeader("www-authenticate", "Bearer");
      throw new Refusal(
        401,
        "this page needs its token: open the address with ?token= and the token after it",
      );
    }
    if (isStart) await this.#startReplay(url.searchParams, request, response);
    else await this.#route(url, request, response);
  }

  /** Answers when the replay has ended. No foreign page can send the header with the token. */
  async #startReplay(
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { replays } = this.#options;
    if (!replays || !hasBearer(request, replays.token)) {
      response.setHeader("www-authenticate", "Bearer");
      throw new Refusal(401, "this is not the token that starts replays: see --replay-token-file");
    }
    const folder = await this.#folder(query.get("run") ?? "");
    await this.#replays?.start(folder, readClient(query), readRound(query, "from"));
    response.writeHead(204).end();
  }

  async #route(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = url;
    const file = siteFiles.get(pathname);
    if (file !== undefined) await sendZipped(request, response, file);
    else if (pathname === "/api/events") await this.#stream(query, request, response);
    else if (pathname.startsWith("/api/"))
      send(response, ".json", JSON.stringify(await this.#read(pathname, query)));
    else if (pathname === "/compare") {
      const page = await this.#compare(query.getAll("run"));
      response.setHeader("content-security-policy", reportPolicy());
      send(response, ".html", page);
    } else await this.#sendReportFile(pathname, response);
  }

  /** Reads what the page asks for. */
  async #read(pathname: string, query: URLSearchParams): Promise<unknown> {
    const path = query.get(pathname === "/api/list" ? "folder" : "run") ?? "";
    const folder = await this.#folder(path);
    switch (pathname) {
      case "/api/list": {
        const listing = await listEntries(folder, path);
        return {
          ...listing,
          isRun: listing.isRun || (path === "" && this.#options.isRun === true),
        };
      }
      case "/api/sweep": {
        const view = readSweepView(folder, path);
        if (!view) throw new Refusal(404, "there is no sweep or study in this folder");
        return view;
      }
      case replayAddress: {
        const replays = await findReplays(folder, path, readClient(query));
        return { canStart: this.#replays !== undefined, replays } satisfies ReplayOffer;
      }
      case "/api/client":
        return await readClientRounds(folder, await this.#describe(folder), readClient(query));
      case "/api/round":
        return await readOneRound(folder, await this.#describe(folder), readRound(query, "round"));
      default:
        throw nothingHere();
    }
  }

  async #folder(path: string): Promise<string> {
    const { root, isRun = false } = this.#options;
    const folder = await findInside(root, path);
    if (folder === undefined && isRun && path === "") return root;
    if (folder === undefined)
      throw new Refusal(
        404,
        `there is no run or folder '${printable(path, 200)}' here: the list has all`,
      );
    return folder;
  }

  /** Describes the trial of a run; undefined without the plug-ins that it needs. */
  async #describe(folder: string): Promise<TrialDescription | undefined> {
    const known = this.#runs.get(folder)?.description;
    if (known) return known;
    const stored = await this.#options.describe(folder).catch(() => undefined);
    return stored && "description" in stored ? stored.description : undefined;
  }

  async #compare(paths: readonly string[]) {
    if (paths.length < 2 || paths.length > maxCompared) {
      throw new Refusal(
        400,
        `expected 2 to ${maxCompared} runs, studies or sweeps to compare, got ${paths.length}`,
      );
    }
    const folders = [];
    for (const path of paths) {
      const folder = await this.#folder(path);
      folders.push({ folder, path, description: await this.#describe(folder) });
    }
    return await comparePage(folders);
  }

  async #stream(
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const path = query.get("run") ?? "";
    const folder = await this.#folder(path);
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.flushHeaders();
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    const end = new AbortController();
    response.on("close", () => {
      end.abort();
    });
    const run = this.#runs.get(folder) ?? new LiveRun(folder, path, this.#options.describe);
    this.#runs.set(folder, run);
    const stopWatching = run.watch();
    const send = async (event: string, data: unknown, id?: string) => {
      const head = id === undefined ? "" : `id: ${id}\n`;
      const isFull = !response.write(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (isFull && !end.signal.aborted)
        await once(response, "drain", { signal: end.signal }).catch(() => undefined);
    };
    const after = query.get("after") ?? request.headers["last-event-id"]?.toString();
    const done = streamRun(run, after, send, end.signal).finally(() => {
      stopWatching();
      response.end();
    });
    const stream = { end, done: done.catch(() => undefined) };
    this.#streams.add(stream);
    try {
      await done;
    } finally {
      this.#streams.delete(stream);
      if (!run.isWatched) this.#runs.delete(folder);
    }
  }

  /** Serves `/report/<path of the run>/report.html` and the figures next to it. */
  async #sendReportFile(pathname: string, response: ServerResponse): Promise<void> {
    const [, encoded = "", file] = reportFile.exec(pathname) ?? [];
    const path = decode(encoded);
    if (file === undefined || path === undefined) throw nothingHere();
    const found = await findInside(this.#options.root, path === "" ? file : `${path}/${file}`);
    if (found === undefined) throw nothingHere();
    const stream = createReadStream("", { fd: openRegularFile(found) });
    response.setHeader("content-security-policy", reportPolicy());
    response.writeHead(200, {
      "content-type": contentTypes[extname(found)],
    });
    await pipeline(stream, response);
  }
}

function readClient(query: URLSearchParams): string {
  const client = query.get("client") ?? "";
  if (/^c\d{2,7}$/.test(client)) return client;
  throw new Refusal(400, "expected the id of a client, like c07");
}

function readRound(query: URLSearchParams, name: string): number {
  const round = Number(query.get(name));
  if (Number.isSafeInteger(round) && round > 0) return round;
  throw new Refusal(400, "expected the number of a round, like 3");
}

/** @throws Refusal if it is no path on this server, such as `//elsewhere` */
function parseTarget(target: string): URL {
  const page = "http://page";
  const url = target.startsWith("/") && URL.canParse(page + target) && new URL(page + target);
  if (url && !url.pathname.startsWith("//")) return url;
  throw new Refusal(400, "expected the address of a page, like /");
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Sends a file of the page, compressed for readers who accept that. */
async function sendZipped(
  { headers }: IncomingMessage,
  response: ServerResponse,
  file: SiteFile,
): Promise<void> {
  const body = readPageFile(file);
  if (!/\bgzip\b/.test(String(headers["accept-encoding"]))) {
    send(response, extname(file), body);
    return;
  }
  const zipped = await promisify(gzip)(body);
  response.setHeader("content-encoding", "gzip");
  send(response, extname(file), zipped);
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { "content-type": contentTypes[type] }).end(body);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
