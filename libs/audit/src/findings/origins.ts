import { createReadStream, fstatSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { hashContent, openRegularFile } from "@fedclair/runs";
import type { AdapterOrigin } from "../audit-schema.js";
import { configFile } from "../adapters/peft-config.js";
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

const readFiles = /^adapter_(?:config\.json|model(?:-\d+-of-\d+)?\.safetensors)$/;

/** Reads where adapters come from, and hashes the files that an audit reads. */
export async function readOrigins(folders: readonly InspectedFolder[]): Promise<Origins> {
  const all: Hashed[] = [];
  const byName = new Map<string, AdapterOrigin>();
  for (const { adapter, files, config, licence } of folders) {
    const hashed = [];
    for (const file of files.filter((name) => readFiles.test(name))) {
      const path = join(adapter.folder, file);
      const own = await hash(path);
      if (own === undefined) continue;
      hashed.push({ file, bytes: own.stats.size, sha256: own.sha256 });
      all.push({ path, stats: own.stats });
    }
    const base = asText(config["base_model_name_or_path"]);
    const baseRevision = asText(config["revision"]);
    const stats = statSync(join(adapter.folder, configFile), { throwIfNoEntry: false });
    const modified = adapter.hub ? adapter.hub.modified : stats?.mtime.toISOString();
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

function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Hashes a file; undefined if it cannot be read, which makes its adapter invalid. */
async function hash(
  path: string,
): Promise<{ readonly sha256: string; readonly stats: Stats } | undefined> {
  try {
    const fd = openRegularFile(path);
    const stats = fstatSync(fd);
    return { sha256: await hashContent(createReadStream(path, { fd })), stats };
  } catch (error) {
    if (error instanceof UserError || (error as { code?: unknown }).code !== undefined) {
      return undefined;
    }
    throw error;
  }
}
