import { dirname, resolve } from "node:path";
import type { ResolvePath } from "@fedclair/core/internal";

/**
 * Resolves paths of a trial file from the file's folder, and paths of the command line from the
 * working directory.
 */
export function pathResolver(file: string): ResolvePath {
  return (path, by) => resolve(by === "file" ? dirname(file) : "", path);
}
