import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { UserError } from "@fedclair/core";
import { configFile } from "./peft-config.js";

/** An adapter that takes part in an audit. */
export interface AdapterFolder {
  /** Unique: the folder's own name, or its path relative to the folder that holds all adapters. */
  readonly name: string;
  readonly folder: string;
}

export interface FoundAdapters {
  readonly adapters: readonly AdapterFolder[];
  /** Folders next to adapters that have no adapter configuration. */
  readonly skipped: readonly string[];
  /**
   * Earlier states of adapters that were found. They are skipped, because next to the adapter they
   * would look like colluding clients.
   */
  readonly checkpoints: readonly string[];
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
      if (under.adapters.length > 0) return keepLastRounds(path, under);
      throw new UserError(
        `no adapter in '${path}': neither it nor a folder in it has an ${configFile}`,
      );
    }),
  );
  // A folder that is given twice is still one adapter.
  const folders = new Map(
    scans.flatMap(({ adapters }) => adapters).map((folder) => [resolve(folder), folder]),
  );
  const names = chooseNames([...folders.keys()]);
  return {
    adapters: [...folders.values()].map((folder, i) => ({ name: names[i] ?? folder, folder })),
    skipped: scans.flatMap(({ skipped }) => skipped),
    checkpoints: scans.flatMap(({ checkpoints }) => checkpoints),
  };
}

type Scan = Pick<FoundAdapters, "skipped" | "checkpoints"> & {
  readonly adapters: readonly string[];
};

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
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return undefined;
  const own = entries.some(({ name }) => name === configFile) ? [path] : [];
  const names = entries
    .filter(isVisibleFolder)
    .map(({ name }) => join(path, name))
    .sort();
  const inside =
    depth === 0 ? [] : await Promise.all(names.map((name) => scanFolder(name, depth - 1)));
  const all = [...own, ...inside.flatMap((under) => under?.adapters ?? [])];
  if (all.length === 0) return { adapters: all, skipped: [path], checkpoints: [] };
  // A path that holds only checkpoints is a request for all of them.
  const isRequested = depth === maxDepth && own.length === 0;
  const earlier = isRequested ? new Set<string>() : findEarlierStates(path, all);
  return {
    adapters: all.filter((folder) => !earlier.has(folder)),
    skipped: inside.flatMap((under) => under?.skipped ?? []),
    checkpoints: [...inside.flatMap((under) => under?.checkpoints ?? []), ...earlier],
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

/**
 * Hidden folders are excluded, because they contain large trees such as `.git` instead of adapters.
 */
function isVisibleFolder(entry: Dirent): boolean {
  return (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith(".");
}

/** @param folders absolute and distinct */
function chooseNames(folders: readonly string[]): string[] {
  const short = folders.map((folder) => basename(folder));
  if (new Set(short).size === short.length) return short;
  const whole = folders.map((folder) => folder.split(sep));
  let shared = 0;
  while (whole.every((parts) => parts.length > shared + 1 && parts[shared] === whole[0]?.[shared]))
    shared++;
  return whole.map((parts) => parts.slice(shared).join(sep));
}
