import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";

/** Longest path of a run that a request may name, in characters. */
const maxPath = 1024;

/**
 * Finds the folder that a request names by a path like `sweep/clair-seed-1`, relative to the folder
 * that is served. Returns undefined unless it exists inside that folder, also after links.
 */
export async function findInside(root: string, path: string): Promise<string | undefined> {
  if (path.length > maxPath || path.includes("\0")) return undefined;
  const parts = path === "" ? [] : path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || /[\\:]/.test(part)))
    return undefined;
  const folder = join(root, ...parts);
  const [realRoot, real] = await Promise.all([resolveLinks(root), resolveLinks(folder)]);
  if (realRoot === undefined || real === undefined) return undefined;
  return real === realRoot || real.startsWith(realRoot + sep) ? folder : undefined;
}

async function resolveLinks(path: string): Promise<string | undefined> {
  return await realpath(path).catch(() => undefined);
}
