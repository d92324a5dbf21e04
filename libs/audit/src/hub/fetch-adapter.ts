import { readdir, readFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { getRepoFolderName, modelInfo, pathsInfo } from "@huggingface/hub";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import type { AdapterFolder, HubFacts } from "../adapters/find-adapters.js";
import { configFile, maxConfigBytes } from "../adapters/peft-config.js";
import { modelFile } from "../adapters/tensor-files.js";
import { downloadFile } from "./download-file.js";
import { callHub, UnreachableHubError, type Hub } from "./hub-client.js";
import type { HubName } from "./hub-name.js";

/**
 * Maximum size of an adapter's tensors. Rank 64 on all linear layers of a model of 70 billion
 * weights has 3.3 GB in float32.
 */
const maxModelBytes = 5_000_000_000;

const commitHash = /^[0-9a-f]{40}$/;
const fileHash = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Which files of an adapter are downloaded: its configuration only, or the tensors as well. */
export type Wanted = "config" | "all";

/**
 * Downloads an adapter into the cache: its configuration and its tensors, and no other file. If the
 * hub cannot be reached, the adapter is taken from the cache.
 * @throws UserError if there is no such adapter, or it cannot be downloaded
 */
export async function fetchAdapter(
  hub: Hub,
  name: HubName,
  wanted: Wanted,
  log: (line: string) => void,
): Promise<AdapterFolder> {
  try {
    if (hub.isOffline) throw new UnreachableHubError("HF_HUB_OFFLINE is set");
    return await download(hub, name, wanted);
  } catch (error) {
    if (!(error instanceof UnreachableHubError)) throw error;
    const cached = await findInCache(hub, name);
    if (cached === undefined) {
      throw new UserError(
        `${name.text}: ${error.message}, and the cache '${hub.cacheFolder}' does not have it`,
      );
    }
    log(`${name.text}: ${error.message}; using commit ${cached.hub.commit} from the cache`);
    return cached;
  }
}

async function download(hub: Hub, name: HubName, wanted: Wanted): Promise<AdapterFolder> {
  const { text, repo, folder, revision } = name;
  const info = await callHub(hub, text, () =>
    modelInfo({
      ...hub.access,
      name: repo,
      revision,
      additionalFields: ["sha", "filePaths", "cardData"],
    }),
  );
  const commit = info.sha;
  if (!commitHash.test(commit)) {
    throw new UserError(`${text}: expected the hash of a commit from the hub, got '${commit}'`);
  }
  const prefix = folder === "" ? "" : `${folder}/`;
  if (!info.filePaths.includes(prefix + configFile)) throw describeMissing(name, info.filePaths);
  if (info.filePaths.includes(`${prefix}${modelFile}.index.json`)) {
    throw new UserError(
      `${text}: expected tensors in one file, got an index of several: download it yourself, and give its folder`,
    );
  }
  const limits = new Map([[prefix + configFile, maxConfigBytes]]);
  if (wanted === "all" && info.filePaths.includes(prefix + modelFile)) {
    limits.set(prefix + modelFile, maxModelBytes);
  }
  const announced = await callHub(hub, text, () =>
    pathsInfo({ ...hub.access, repo, revision: commit, paths: [...limits.keys()] }),
  );
  const storage = join(hub.cacheFolder, getRepoFolderName({ type: "model", name: repo }));
  const snapshot = join(storage, "snapshots", commit);
  const files = [...limits].map(([path, limit]) => {
    const { size = NaN, lfs, oid = "" } = announced.find((one) => one.path === path) ?? {};
    const hash = lfs?.oid ?? oid;
    if (!(size >= 0) || !fileHash.test(hash)) {
      throw new UserError(`${text}: expected the size and the hash of ${path} from the hub`);
    }
    if (size > limit) {
      throw new UserError(
        `${text}: ${path} has ${size} bytes, and at most ${limit} are downloaded: download it yourself, and give its folder`,
      );
    }
    return { repo, commit, path, size, hash };
  });
  for (const file of files) await callHub(hub, text, () => downloadFile(hub, file, snapshot));
  if (revision !== commit) {
    const reference = join(storage, "refs", revision);
    await mkdir(dirname(reference), { recursive: true });
    await writeFile(reference, commit);
  }
  const licence: unknown = info.cardData?.license;
  return describeAdapter(hub, name, commit, {
    files: info.filePaths
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length)),
    modified: info.updatedAt.toISOString(),
    ...(typeof licence === "string" && { licence }),
  });
}

function describeMissing({ text, repo }: HubName, paths: readonly string[]): UserError {
  const [other] = paths.filter((path) => path.endsWith(`/${configFile}`));
  return new UserError(
    `${text}: no adapter: it has no ${configFile}` +
      (other === undefined ? "" : `; there is one in hf://${repo}/${oneLine(dirname(other))}`),
  );
}

/** An adapter of a hub. */
type HubAdapter = AdapterFolder & { readonly hub: HubFacts };

function describeAdapter(
  { access: { hubUrl }, cacheFolder }: Hub,
  { text, repo, folder, revision }: HubName,
  commit: string,
  facts: Pick<HubFacts, "files" | "modified" | "licence">,
): HubAdapter {
  const storage = join(cacheFolder, getRepoFolderName({ type: "model", name: repo }));
  return {
    name: text,
    folder: join(storage, "snapshots", commit, folder),
    hub: {
      repo,
      commit,
      revision,
      page: [hubUrl, repo, "blob", commit, ...(folder === "" ? [] : [folder])].join("/"),
      isSibling: false,
      ...facts,
    },
  };
}

/** Finds the last downloaded state of an adapter in the cache. */
async function findInCache(hub: Hub, name: HubName): Promise<HubAdapter | undefined> {
  const { repo, revision } = name;
  const storage = join(hub.cacheFolder, getRepoFolderName({ type: "model", name: repo }));
  const commit = commitHash.test(revision)
    ? revision
    : await readFile(join(storage, "refs", revision), "utf8").catch(() => "");
  if (!commitHash.test(commit.trim())) return undefined;
  const found = describeAdapter(hub, name, commit.trim(), { files: [] });
  const files: string[] = await readdir(found.folder).catch(() => []);
  const isComplete = [configFile, modelFile].every((file) => files.includes(file));
  return isComplete ? { ...found, hub: { ...found.hub, files } } : undefined;
}
