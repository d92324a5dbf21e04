import { closeSync, createReadStream, fstatSync, statSync, type Stats } from "node:fs";
import { basename, join } from "node:path";
import { excerpt, UserError } from "@fedclair/core";
import { hashContent, openRegularFile } from "@fedclair/runs";
import type { AdapterOrigin } from "../audit-schema.js";
import { configFile, maxConfigBytes } from "../adapters/peft-config.js";
import { listTensorFiles } from "../adapters/tensor-files.js";
import type { InspectedFolder } from "./inspect-files.js";

/** A file that was hashed, and its state then. */
interface Hashed {
  readonly path: string;
  readonly stats: Stats;
}

/** Where adapters come from, and their files. */
export interface Origins {
  readonly byName: ReadonlyMap<string, AdapterOrigin>;
  /** @throws UserError if a file has changed since it was hashed */
  readonly rejectChanged: () => void;
}

/** Called while a large file is hashed, for example with 3.1, 32 and "GB of 'one' hashed". */
type OnProgress = (done: number, all: number, what: string) => void;

/** Reads where adapters come from, and hashes the files that an audit reads. */
export async function readOrigins(
  folders: readonly InspectedFolder[],
  onProgress?: OnProgress,
): Promise<Origins> {
  const all: Hashed[] = [];
  const byName = new Map<string, AdapterOrigin>();
  for (const { adapter, config, licence } of folders) {
    const configPath = join(adapter.folder, configFile);
    const hashed = [];
    for (const path of [configPath, ...tryListTensorFiles(adapter.folder)]) {
      const own = await hash(path, path === configPath ? maxConfigBytes : Infinity, (done, all) =>
        onProgress?.(done, all, `GB of ${excerpt(adapter.name)} hashed`),
      );
      if (own === undefined) continue;
      hashed.push({ file: basename(path), bytes: own.stats.size, sha256: own.sha256 });
      all.push({ path, stats: own.stats });
    }
    const base = asText(config["base_model_name_or_path"]);
    const baseRevision = asText(config["revision"]);
    const local = all.find(({ path }) => path === configPath)?.stats.mtime.toISOString();
    const modified = adapter.hub ? adapter.hub.modified : local;
    const { repo, revision, commit, page, isSibling } = adapter.hub ?? {};
    byName.set(adapter.name, {
      folder: adapter.folder,
      ...(base !== undefined && { base }),
      ...(baseRevision !== undefined && { baseRevision }),
      ...(licence !== undefined && { licence }),
      ...(modified !== undefined && { modified }),
      ...(repo !== undefined && { hub: { repo, revision, commit, page, isSibling } as never }),
      files: hashed,
    });
  }
  return {
    byName,
    rejectChanged: () => {
      for (const { path, stats } of all) {
        const now = statSync(path, { throwIfNoEntry: false });
        if (now?.size === stats.size && now.mtimeMs === stats.mtimeMs) continue;
        throw new UserError(`'${path}' changed while it was audited: audit it again`);
      }
    },
  };
}

/** Lists the files with tensors; none if the adapter is invalid because of them. */
function tryListTensorFiles(folder: string): readonly string[] {
  try {
    return listTensorFiles(folder);
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function toGigabytes(bytes: number): number {
  return Math.floor(bytes / 1e8) / 10;
}

/** Hashes a file; undefined if it cannot be read or is too large: its adapter is then invalid. */
async function hash(
  path: string,
  maxBytes: number,
  onProgress: (done: number, all: number) => void,
): Promise<{ readonly sha256: string; readonly stats: Stats } | undefined> {
  try {
    const fd = openRegularFile(path);
    const stats = fstatSync(fd);
    if (stats.size > maxBytes) {
      closeSync(fd);
      return undefined;
    }
    // Not beyond its size: a file that grows as fast as it is read would never end.
    const stream = createReadStream(path, { fd, end: Math.max(0, stats.size - 1) });
    const all = toGigabytes(stats.size);
    let last = 0;
    const sha256 = await hashContent(stream, undefined, (bytes) => {
      const done = bytes < stats.size ? toGigabytes(bytes) : all;
      if (done !== last) onProgress((last = done), all);
    });
    return { sha256, stats };
  } catch (error) {
    if (error instanceof UserError || (error as { code?: unknown }).code !== undefined) {
      return undefined;
    }
    throw error;
  }
}
