import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { UserError } from "@fedclair/core";
import { configFile } from "./peft-config.js";

/** An adapter that an audit is about. */
export interface AdapterFolder {
  /** Unique: the folder's own name, or its path from the folder that all adapters are in. */
  readonly name: string;
  readonly folder: string;
}

export interface FoundAdapters {
  readonly adapters: readonly AdapterFolder[];
  /** Folders beside adapters that have no configuration of one. */
  readonly skipped: readonly string[];
  /** Earlier states of an adapter that was found, left out: with it they would look like clients that collude. */
  readonly checkpoints: readonly string[];
}

/** How deep under a path adapters are looked for: `round_1/client_3/checkpoint-40/adapter` is three folders down. */
const deepest = 4;

/** The adapters at and under the paths. @throws UserError where there is none */
export async function findAdapters(paths: readonly string[]): Promise<FoundAdapters> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const under = await foldersUnder(path, deepest);
      if (under === undefined) throw new UserError(`no folder '${path}'`);
      if (under.adapters.length > 0) return inLastRounds(path, under);
      throw new UserError(
        `no adapter in '${path}': neither it nor a folder in it has an ${configFile}`,
      );
    }),
  );
  // A folder that is named twice is one adapter still.
  const folders = new Map(
    found.flatMap(({ adapters }) => adapters).map((folder) => [resolve(folder), folder]),
  );
  const names = namesOf([...folders.keys()]);
  return {
    adapters: [...folders.values()].map((folder, i) => ({ name: names[i] ?? folder, folder })),
    skipped: found.flatMap(({ skipped }) => skipped),
    checkpoints: found.flatMap(({ checkpoints }) => checkpoints),
  };
}

type Under = Pick<FoundAdapters, "skipped" | "checkpoints"> & {
  readonly adapters: readonly string[];
};

/** A folder of what a round left. */
const roundFolder = /^round[-_]?(\d+)$/i;

/**
 * Of adapters that have the same place in folders of several rounds those of the last one: a client's rounds are as alike as colluders.
 * Whoever names the rounds of one client alone asks for them.
 */
function inLastRounds(path: string, { adapters, checkpoints, ...rest }: Under): Under {
  const placed = adapters.map((folder) => {
    const parts = relative(path, folder).split(sep);
    const at = parts.findIndex((part) => roundFolder.test(part));
    const round = Number(roundFolder.exec(parts[at] ?? "")?.[1] ?? 0);
    return { folder, round, place: parts.map((part, i) => (i === at ? "round" : part)).join(sep) };
  });
  if (new Set(placed.map(({ place }) => place)).size === 1)
    return { adapters, checkpoints, ...rest };
  const inOrder = placed.sort((x, y) => x.round - y.round);
  const last = new Set(new Map(inOrder.map(({ place, folder }) => [place, folder])).values());
  return {
    ...rest,
    adapters: adapters.filter((folder) => last.has(folder)),
    checkpoints: [...checkpoints, ...adapters.filter((folder) => !last.has(folder))],
  };
}

/** Undefined of what is no folder; a folder without any adapter in it is skipped as a whole. */
async function foldersUnder(path: string, depth: number): Promise<Under | undefined> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return undefined;
  const own = entries.some(({ name }) => name === configFile) ? [path] : [];
  const names = entries
    .filter(isFolder)
    .map(({ name }) => join(path, name))
    .sort();
  const inside =
    depth === 0 ? [] : await Promise.all(names.map((name) => foldersUnder(name, depth - 1)));
  const all = [...own, ...inside.flatMap((under) => under?.adapters ?? [])];
  if (all.length === 0) return { adapters: all, skipped: [path], checkpoints: [] };
  // Whoever names a folder of checkpoints alone asks for them.
  const isAsked = depth === deepest && own.length === 0;
  const earlier = isAsked ? new Set<string>() : earlierStates(path, all);
  return {
    adapters: all.filter((folder) => !earlier.has(folder)),
    skipped: inside.flatMap((under) => under?.skipped ?? []),
    checkpoints: [...inside.flatMap((under) => under?.checkpoints ?? []), ...earlier],
  };
}

/** As `transformers` names the states that it keeps while it trains. */
const checkpoint = /^checkpoint-(\d+)$/;

/** The checkpoints right in a folder that is an adapter itself; in one that is none, all but the last of them. */
function earlierStates(path: string, adapters: readonly string[]): Set<string> {
  const states = adapters
    .filter((folder) => dirname(folder) === path && checkpoint.test(basename(folder)))
    .sort((x, y) => stepOf(x) - stepOf(y));
  return new Set(adapters.includes(path) ? states : states.slice(0, -1));
}

function stepOf(folder: string): number {
  return Number(checkpoint.exec(basename(folder))?.[1]);
}

/** Hidden ones hold no adapters, but the whole of `.git` and the like. */
function isFolder(entry: Dirent): boolean {
  return (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith(".");
}

/** @param folders absolute and distinct */
function namesOf(folders: readonly string[]): string[] {
  const short = folders.map((folder) => basename(folder));
  if (new Set(short).size === short.length) return short;
  const whole = folders.map((folder) => folder.split(sep));
  let shared = 0;
  while (whole.every((parts) => parts.length > shared + 1 && parts[shared] === whole[0]?.[shared]))
    shared++;
  return whole.map((parts) => parts.slice(shared).join(sep));
}
