import { stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { UserError } from "@fedclair/core";
import { escapeName, listEntries, type FolderEntry } from "./list-entries.js";
import { configFile } from "./peft-config.js";

/** An adapter that takes part in an audit. */
export interface AdapterFolder {
  /** Unique: the folder's own name, or its path relative to the folder that holds all adapters. */
  readonly name: string;
  readonly folder: string;
  /** Where it comes from, if it was downloaded. */
  readonly hub?: HubFacts;
}

/** What a hub says about an adapter. */
export interface HubFacts {
  readonly repo: string;
  readonly revision: string;
  readonly commit: string;
  /** Address of a page to which the name of a file can be added. */
  readonly page: string;
  /** All files in the adapter's folder. Two of them are downloaded. */
  readonly files: readonly string[];
  /** True for an adapter that `--siblings` has found. */
  readonly isSibling: boolean;
  readonly modified?: string;
  readonly licence?: string;
}

export interface FoundAdapters {
  readonly adapters: readonly AdapterFolder[];
  /** Folders next to adapters that are hidden, or have no configuration or no name in UTF-8. */
  readonly skipped: readonly string[];
  /**
   * Earlier states of adapters that were found. They are skipped, because next to the adapter they
   * would look like colluding clients.
   */
  readonly checkpoints: readonly string[];
  /** Symbolic links to folders, which are not followed. */
  readonly links: readonly string[];
  /** Where the adapters lie, and how many in each place. */
  readonly places: readonly Place[];
}

/** A folder under which adapters were found: a path that was searched, or a folder in it. */
interface Place {
  readonly folder: string;
  readonly adapters: number;
}

/**
 * How deep to search for adapters under a path: `round_1/client_3/checkpoint-40/adapter` is three
 * folders down.
 */
const maxDepth = 4;

/** Finds the adapters at and under the paths. @throws UserError if a path has none */
export async function findAdapters(paths: readonly string[]): Promise<FoundAdapters> {
  const scans = await Promise.all(
    paths.map(async (path) => {
      const under = await scanFolder(path, maxDepth);
      if (under === undefined) throw new UserError(`no folder '${path}'`);
      if (under.adapters.length > 0) return { path, ...keepLastRounds(path, under) };
      const [link] = under.links;
      throw new UserError(
        `no adapter in '${path}': neither it nor a folder in it has an ${configFile}` +
          (link === undefined ? "" : `; '${link}' is a link, and links are not followed`),
      );
    }),
  );
  // A folder that is given twice is still one adapter.
  const found = new Map(
    scans
      .flatMap(({ path, adapters }) => adapters.map((folder) => ({ path, folder })))
      .map((one) => [resolve(one.folder), one]),
  );
  const names = chooseNames([...found.keys()]);
  return {
    adapters: [...found.values()].map(({ folder }, i) => ({ name: names[i] ?? folder, folder })),
    places: countPlaces([...found.values()]),
    links: scans.flatMap(({ links }) => links),
    skipped: scans.flatMap(({ skipped }) => skipped),
    checkpoints: scans.flatMap(({ checkpoints }) => checkpoints),
  };
}

/** @param found adapters, each with the path under which it was found */
function countPlaces(
  found: readonly { readonly path: string; readonly folder: string }[],
): Place[] {
  const counts = new Map<string, number>();
  for (const { path, folder } of found) {
    const parts = relative(path, folder).split(sep);
    const [first = ""] = parts;
    const above = parts.length > 1 ? join(path, first) : first === "" ? dirname(path) : path;
    counts.set(above, (counts.get(above) ?? 0) + 1);
  }
  return [...counts].map(([folder, adapters]) => ({ folder, adapters }));
}

type Scan = Pick<FoundAdapters, "skipped" | "checkpoints" | "links"> & {
  readonly adapters: readonly string[];
};

/**
 * Lists all adapters inside a folder, also checkpoints, but not the folder itself. Searches as
 * deep as `findAdapters`.
 */
export async function findAdaptersInside(folder: string): Promise<readonly string[]> {
  const { adapters = [], checkpoints = [] } = (await scanFolder(folder, maxDepth)) ?? {};
  return [...adapters, ...checkpoints].filter((one) => one !== folder).sort();
}

/** Matches the folder of a round. */
const roundFolder = /^round[-_]?(\d+)$/i;

/**
 * Keeps only the last round of adapters that have the same place in the folders of several rounds,
 * because the rounds of one client are as similar as colluding clients. If all adapters are rounds
 * of one client, the user has asked for them and all are kept.
 */
function keepLastRounds(path: string, { adapters, checkpoints, ...rest }: Scan): Scan {
  const located = adapters.map((folder) => {
    const parts = relative(path, folder).split(sep);
    const at = parts.findIndex((part) => roundFolder.test(part));
    const round = Number(roundFolder.exec(parts[at] ?? "")?.[1] ?? 0);
    return { folder, round, place: parts.map((part, i) => (i === at ? "round" : part)).join(sep) };
  });
  if (new Set(located.map(({ place }) => place)).size === 1)
    return { adapters, checkpoints, ...rest };
  const inOrder = located.sort((x, y) => x.round - y.round);
  const last = new Set(new Map(inOrder.map(({ place, folder }) => [place, folder])).values());
  return {
    ...rest,
    adapters: adapters.filter((folder) => last.has(folder)),
    checkpoints: [...checkpoints, ...adapters.filter((folder) => !last.has(folder))],
  };
}

/**
 * Returns undefined if the path is not a folder. A folder without any adapter is skipped as a
 * whole.
 */
async function scanFolder(path: string, depth: number): Promise<Scan | undefined> {
  const entries = await listEntries(path).catch(() => undefined);
  if (entries === undefined) return undefined;
  const own = entries.some(({ name }) => name === configFile) ? [path] : [];
  const listPaths = (is: (entry: FolderEntry) => boolean) =>
    entries.filter(is).map(({ name }) => join(path, name));
  const names = listPaths(({ isRead, type }) => isRead && type.isDirectory());
  const hidden = entries.filter(({ isRead, type }) => !isRead && type.isDirectory());
  const links = await filterFolders(
    listPaths(({ isRead, type }) => isRead && type.isSymbolicLink()),
  );
  const inside =
    depth === 0 ? [] : await Promise.all(names.map((name) => scanFolder(name, depth - 1)));
  const all = [...own, ...inside.flatMap((under) => under?.adapters ?? [])];
  const allLinks = [...links, ...inside.flatMap((under) => under?.links ?? [])];
  if (all.length === 0) return { adapters: all, skipped: [path], checkpoints: [], links: allLinks };
  // A path that holds only checkpoints is a request for all of them.
  const isRequested = depth === maxDepth && own.length === 0;
  const earlier = isRequested ? new Set<string>() : findEarlierStates(path, all);
  return {
    adapters: all.filter((folder) => !earlier.has(folder)),
    skipped: [
      ...inside.flatMap((under) => under?.skipped ?? []),
      ...hidden.map(({ shown }) => join(path, shown)),
    ],
    checkpoints: [...inside.flatMap((under) => under?.checkpoints ?? []), ...earlier],
    links: allLinks,
  };
}

/** Matches the folders in which `transformers` saves checkpoints during training. */
const checkpoint = /^checkpoint-(\d+)$/;

/**
 * Finds earlier states directly inside a folder: all checkpoints if the folder itself is an
 * adapter, otherwise all but the last.
 */
function findEarlierStates(path: string, adapters: readonly string[]): Set<string> {
  const states = adapters
    .filter((folder) => dirname(folder) === path && checkpoint.test(basename(folder)))
    .sort((x, y) => readStep(x) - readStep(y));
  return new Set(adapters.includes(path) ? states : states.slice(0, -1));
}

function readStep(folder: string): number {
  return Number(checkpoint.exec(basename(folder))?.[1]);
}

/** Keeps the paths that are folders, or links to folders. */
async function filterFolders(paths: readonly string[]): Promise<string[]> {
  const are = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (stats) => stats.isDirectory(),
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => are[i]);
}

/** @param folders absolute and distinct */
function chooseNames(folders: readonly string[]): string[] {
  const whole = folders.map((folder) => {
    return folder.split(sep).map((part) => escapeName(Buffer.from(part)));
  });
  const short = whole.map((parts) => parts.at(-1) ?? "");
  if (new Set(short).size === short.length) return short;
  let shared = 0;
  while (whole.every((parts) => parts.length > shared + 1 && parts[shared] === whole[0]?.[shared]))
    shared++;
  return whole.map((parts) => parts.slice(shared).join(sep));
}
