import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";

/** The files of pages that `npm run build` makes, by their folders. */
const folders = {
  "index.html": "#site",
  "page.js": "#site",
  "page.css": "#site",
  "report.js": "#report-site",
  "report.css": "#report-site",
} as const;

const files = new Map<string, string>();

/** Reads a script, a style or the markup of a page. @throws UserError if it was not built */
export function readPageFile(name: keyof typeof folders): string {
  const known = files.get(name);
  if (known !== undefined) return known;
  const folder = folders[name];
  const file = join(fileURLToPath(import.meta.resolve(folder)), name);
  try {
    const text = readFileSync(file, "utf8").trimEnd();
    files.set(name, text);
    return text;
  } catch {
    const what = folder === "#site" ? "the page" : "a part of the report";
    throw new UserError(`${what} was not built ('${file}' is missing): npm run build`);
  }
}
