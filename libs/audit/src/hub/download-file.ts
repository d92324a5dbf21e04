import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { HubApiError } from "@huggingface/hub";
import { UserError } from "@fedclair/core";
import { hashContent, systemErrorCode } from "@fedclair/runs";
import type { Hub } from "./hub-client.js";

/** A file on a hub, as the hub announces it. */
export interface HubFile {
  readonly repo: string;
  readonly commit: string;
  /** The path in the repository. */
  readonly path: string;
  readonly size: number;
  /** SHA-256 of a large file; the identifier of a blob in Git, SHA-1, of any other. */
  readonly hash: string;
}

/** A broken connection is continued this often; after that the user runs the audit again. */
const mostTries = 3;

/**
 * Downloads a file into the cache, unless it is there. The cache has the layout of Hugging Face's
 * own libraries: the snapshot of a commit has links to blobs, which are named by their hashes. An
 * incomplete blob has a name of its own, and the next download goes on at its end.
 * @param snapshot the folder of the commit in the cache
 * @throws UserError if the connection breaks, or the file is not what the hub announced
 */
export async function downloadFile(hub: Hub, file: HubFile, snapshot: string): Promise<void> {
  const target = join(snapshot, file.path);
  if ((await sizeOf(target)) === file.size) return;
  const blob = join(dirname(dirname(snapshot)), "blobs", file.hash);
  await mkdir(dirname(blob), { recursive: true });
  await mkdir(dirname(target), { recursive: true });
  if ((await sizeOf(blob)) !== file.size) {
    const incomplete = `${blob}.incomplete`;
    await fetchBytes(hub, file, incomplete);
    await verifyHash(file, incomplete);
    await rename(incomplete, blob);
  }
  await rm(target, { force: true });
  await symlink(relative(dirname(target), blob), target).catch(() => copyFile(blob, target));
}

/** Returns the size of a file, or undefined if there is none. */
async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function fetchBytes(hub: Hub, file: HubFile, incomplete: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const had = (await sizeOf(incomplete)) ?? 0;
    if (had === file.size) return;
    if (had > file.size) {
      await rm(incomplete);
      throw new UserError(
        `${formatFile(file)}: expected the announced ${file.size} bytes, got more: it may have changed; try again`,
      );
    }
    const failure = await appendRest(hub, file, incomplete, had);
    const has = (await sizeOf(incomplete)) ?? 0;
    if (has < file.size && tries === mostTries) {
      throw new UserError(
        `${formatFile(file)}: the download broke off after ${has} of ${file.size} bytes${failure}: run the audit again, it goes on from there`,
      );
    }
  }
}

/** Appends the missing bytes. @returns the reason if the connection broke; otherwise empty */
async function appendRest(
  { access, signal }: Hub,
  file: HubFile,
  incomplete: string,
  had: number,
): Promise<string> {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const url = `${access.hubUrl}/${file.repo}/resolve/${file.commit}/${path}`;
  const token = access.accessToken;
  // A redirect to another host loses the token: fetch removes it.
  const headers = {
    "Accept-Encoding": "identity",
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(had > 0 && { Range: `bytes=${had}-` }),
  };
  const response = await access.fetch(url, { headers });
  if (!response.ok) throw new HubApiError(url, response.status);
  if (response.body === null) return " (no content)";
  const flags = response.status === 206 ? "a" : "w"; // 200: the server sends all of it again
  const left = file.size - (flags === "a" ? had : 0);
  try {
    const content = Readable.fromWeb(response.body);
    const options = { flags, signal };
    await pipeline(
      content,
      (chunks) => cutAfter(chunks, left + 1),
      createWriteStream(incomplete, options),
    );
    return "";
  } catch (error) {
    if (signal.aborted) throw error;
    const code = systemErrorCode(error);
    if (code === undefined || code.startsWith("UND_") || code === "ECONNRESET") {
      return code === undefined ? "" : ` (${code})`;
    }
    throw new UserError(`cannot write to the cache '${dirname(incomplete)}' (${code})`);
  }
}

/** Ends a stream after `most` bytes, so that a file cannot be longer than announced. */
async function* cutAfter(chunks: AsyncIterable<Uint8Array>, most: number) {
  let left = most;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function verifyHash(file: HubFile, incomplete: string): Promise<void> {
  const isSha256 = file.hash.length === 64;
  const hash = createHash(isSha256 ? "sha256" : "sha1");
  if (!isSha256) hash.update(`blob ${file.size}\0`);
  const got = await hashContent(createReadStream(incomplete), hash);
  if (got === file.hash) return;
  await rm(incomplete);
  throw new UserError(
    `${formatFile(file)}: expected the announced hash ${file.hash}, got ${got}: it is deleted; try again, and do not use it elsewhere`,
  );
}

function formatFile({ repo, path }: HubFile): string {
  return `hf://${repo}/${path}`;
}
