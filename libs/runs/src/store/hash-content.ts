import { createHash, type Hash } from "node:crypto";
import type { ReadStream } from "node:fs";

/**
 * Hashes the content of a file without holding it in memory.
 * @param onProgress called with the number of bytes after each piece
 */
export async function hashContent(
  content: ReadStream,
  hash: Hash = createHash("sha256"),
  onProgress?: (bytes: number) => void,
): Promise<string> {
  for await (const chunk of content) {
    hash.update(chunk as Uint8Array);
    onProgress?.(content.bytesRead);
  }
  return hash.digest("hex");
}
