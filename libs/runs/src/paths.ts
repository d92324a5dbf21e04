import { dirname, resolve } from "node:path";
import type { ResolvePath } from "@fedclair/core/internal";

/** Paths in a trial file start from its folder, paths of the command line from the working directory. */
export function pathResolver(file: string): ResolvePath {
  return (path, by) => resolve(by === "file" ? dirname(file) : "", path);
}
