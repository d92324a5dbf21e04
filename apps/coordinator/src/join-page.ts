import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { UserError } from "@fedclair/core";
import type { SocketPoolOptions } from "@fedclair/wire";

/** The page for tabs, as `SocketPool.listen` takes it. */
type PageOptions = NonNullable<SocketPoolOptions["page"]>;

/** The folder in which `npm run build` puts the page. */
const siteFolder = fileURLToPath(import.meta.resolve("#join-page"));

/** The types of the files of the page. */
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
};

/** A file of the page, compressed when it is first asked for. */
interface PageFile {
  readonly type: string;
  readonly read: () => Promise<Uint8Array>;
  ready?: Promise<{ readonly zipped: Buffer; readonly tag: string }>;
}

/**
 * Reads the option `--join-page`, and answers requests for the page from memory. The page is
 * public: the token is needed for joining, not for the page.
 * @param wanted the option: true, or the page's origin
 * @param host the address to listen on
 * @param trialJson the trial, if everybody may know it before joining
 * @returns undefined if tabs cannot join
 * @throws UserError if the origin is none, or is needed and missing, or the page was not built
 */
export async function createJoinPageFor(
  wanted: true | string | undefined,
  host: string,
  trialJson = "null",
): Promise<PageOptions | undefined> {
  if (wanted === undefined) return undefined;
  if (wanted === true && (host === "0.0.0.0" || host === "::")) {
    throw new UserError(
      `--join-page: a coordinator that listens on ${host} has several addresses: give the one that browsers open, as --join-page https://fl.example.org:4000`,
    );
  }
  const own = wanted === true ? {} : { origin: parseOrigin(wanted) };
  const files = await listFiles(trialJson);
  return {
    ...own,
    answer: (origin, request, response) => {
      for (const [name, value] of Object.entries(headersFor(origin)))
        response.setHeader(name, value);
      void answer(files, origin, request, response);
    },
  };
}

function parseOrigin(text: string): string {
  const { origin, protocol } = URL.canParse(text) ? new URL(text) : { origin: "", protocol: "" };
  if (/^https?:$/.test(protocol) && [origin, `${origin}/`].includes(text)) return origin;
  throw new UserError(
    `--join-page: expected the page's address without a path, as https://fl.example.org:4000, got '${text}'`,
  );
}

async function listFiles(trialJson: string): Promise<ReadonlyMap<string, PageFile>> {
  const names = await readdir(siteFolder, { recursive: true }).catch(() => {
    throw new UserError(`the page was not built ('${siteFolder}' is missing): npm run build`);
  });
  const files = new Map<string, PageFile>();
  for (const name of names.filter((one) => extname(one) !== "")) {
    const path = name === "index.html" ? "/" : `/${name.replaceAll("\\", "/")}`;
    const type = types[extname(name)] ?? "application/octet-stream";
    files.set(path, { type, read: () => readFile(join(siteFolder, name)) });
  }
  const bytes = new TextEncoder().encode(trialJson);
  files.set("/trial.json", { type: "application/json", read: () => Promise.resolve(bytes) });
  const { tabData } = await import("@fedclair/tasks/tab-data");
  for (const [name, read] of Object.entries(tabData)) {
    files.set(`/data/${name}`, { type: "application/octet-stream", read });
  }
  return files;
}

/**
 * Nothing comes from elsewhere, no script or style is in the markup, no page may frame this one,
 * and it shares its process with none.
 */
function headersFor(origin: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src data:",
    // not every browser counts websockets of the page's own address as 'self'
    `connect-src 'self' ${origin.replace(/^http/, "ws")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "cache-control": "no-cache",
    "content-security-policy": policy.join("; "),
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
}

/** Never rejects. */
async function answer(
  files: ReadonlyMap<string, PageFile>,
  origin: string,
  { method, url = "", headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = ""] = url.split("?");
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    sendText(response, 405, "only GET is answered");
    return;
  }
  // A foreign page could give its own name this machine's address (DNS rebinding).
  if (headers.host !== new URL(origin).host) {
    if (path === "/") response.writeHead(307, { location: `${origin}/` }).end();
    else sendText(response, 403, `this page answers only as ${origin}/`);
    return;
  }
  const file = files.get(path);
  if (!file) {
    sendText(response, 404, "a fedclair coordinator: there is nothing at this address");
    return;
  }
  try {
    const { zipped, tag } = await (file.ready ??= zip(file));
    response.setHeader("etag", tag);
    if (headers["if-none-match"] === tag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { "content-type": file.type, "content-encoding": "gzip" });
    response.end(method === "HEAD" ? undefined : zipped);
  } catch (error) {
    delete file.ready;
    sendText(response, 503, error instanceof Error ? error.message : String(error));
  }
}

async function zip({ read }: PageFile): Promise<{ zipped: Buffer; tag: string }> {
  const zipped = await promisify(gzip)(await read());
  return { zipped, tag: `"${createHash("sha256").update(zipped).digest("base64url")}"` };
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
