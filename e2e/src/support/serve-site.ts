import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { cleanUps } from "./afterwards.js";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * Serves a page, and a folder below `/fedclair/`, until the test ends.
 * @returns the address of the page, without a slash at its end
 */
export async function serveSite(page: string, folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const send = async () => {
      if (path === "/favicon.ico") return response.writeHead(204).end();
      if (path === "/") return response.setHeader("content-type", "text/html").end(page);
      const type = types[extname(path)] ?? "application/octet-stream";
      const content = await readFile(join(folder, path.replace("/fedclair/", "")));
      return response.setHeader("content-type", type).end(content);
    };
    send().catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.close();
    server.closeAllConnections();
    return Promise.resolve();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
