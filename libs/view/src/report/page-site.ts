import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";

const files = new Map<string, string>();

/**
 * Reads the script or the style of the pages, which `npm run build` bundles.
 * @throws UserError if it was not built
 */
export function readPageFile(name: "report.js" | "report.css"): string {
  const known = files.get(name);
  if (known !== undefined) return known;
  const file = join(fileURLToPath(import.meta.resolve("#report-site")), name);
  try {
    const text = readFileSync(file, "utf8").trimEnd();
    files.set(name, text);
    return text;
  } catch {
    throw new UserError(`a part of the report was not built ('${file}' is missing): npm run build`);
  }
}

/** The source expression for a script or a style in a content security policy. */
export function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
