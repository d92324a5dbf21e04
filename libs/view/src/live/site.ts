import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core/errors";

/** A static file of the page. */
export interface SiteFile {
  readonly type: string;
  readonly body: Buffer;
}

const types = {
  "index.html": "text/html; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
};

/** The folder in which `npm run build` puts the page. */
const siteFolder = fileURLToPath(import.meta.resolve("#site"));

/** Reads the files of the page. @throws UserError if the page was not built */
export async function readSite(folder = siteFolder): Promise<ReadonlyMap<string, SiteFile>> {
  const files = Object.entries(types).map(async ([name, type]) => {
    const body = await readFile(join(folder, name)).catch(() => {
      throw new UserError(
        `the page was not built ('${join(folder, name)}' is missing): npm run build`,
      );
    });
    return [`/${name === "index.html" ? "" : name}`, { type, body }] as const;
  });
  return new Map(await Promise.all(files));
}
