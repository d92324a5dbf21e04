import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";

let script: string | undefined;

/**
 * Reads the script of the pages, which `npm run build` bundles.
 * @throws UserError if it was not built
 */
export function readPageScript(): string {
  const file = join(fileURLToPath(import.meta.resolve("#report-site")), "report.js");
  try {
    return (script ??= readFileSync(file, "utf8"));
  } catch {
    throw new UserError(`the report's script was not built ('${file}' is missing): npm run build`);
  }
}

/** The source expression for a script or a style in a content security policy. */
export function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
