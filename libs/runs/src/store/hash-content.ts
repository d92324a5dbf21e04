import { createHash, type Hash } from "node:crypto";
import type { ReadStream } from "node:fs";

/** Hashes the content of a file without holding it in memory. */
export async function hashContent(
  content: ReadStream,
  hash: Hash = createHash("sha256"),
): Promise<string> {
  for await (const chunk of content) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
