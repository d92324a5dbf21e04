import { exec } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "@fedclair/core";

/** A package of the npm registry that is used for its files only: its dependencies are not fetched. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** What the registry's tarball must hash to, as in a lock file. */
  readonly integrity: string;
}

/** Puts a package's files somewhere under a new folder. @returns where */
export type Fetch = (source: NpmPackage, folder: string) => Promise<string>;

/** `$FEDCLAIR_CACHE`, else `$XDG_CACHE_HOME/fedclair`, else `~/.cache/fedclair`. */
export function cacheFolder(environment = process.env): string {
  const { FEDCLAIR_CACHE: own, XDG_CACHE_HOME: shared } = environment;
  // An empty variable counts as unset, as the XDG specification wants it.
  return own || join(shared || join(homedir(), ".cache"), "fedclair");
}

/**
 * The folder with a package's files, fetched into the cache at the first call. Several processes may call at once.
 * @param advice for the user's error: what to do if the package cannot be fetched
 * @throws UserError when it is neither in the cache nor to be had from the registry
 */
export async function packageFolder(
  source: NpmPackage,
  advice: string,
  cache = cacheFolder(),
  fetch: Fetch = fetchFromRegistry,
): Promise<string> {
  const folder = join(cache, "npm", `${source.name}-${source.version}`);
  if (await exists(folder)) return folder;
  const unfinished = `${folder}.${randomUUID()}.tmp`;
  try {
    await mkdir(unfinished, { recursive: true });
    await rename(await fetch(source, unfinished), folder);
  } catch (error) {
    // Another process may have been first: a folder under its final name is complete.
    if (await exists(folder)) return folder;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `cannot fetch ${source.name}@${source.version} into ${cache}: ${reason}; ${advice}`,
    );
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * npm itself fetches, checks and unpacks the package, with the user's own settings (registry, certificates, proxy): told
 * by a lock file of one entry, which says what the tarball must hash to and names no dependencies.
 */
async function fetchFromRegistry(source: NpmPackage, folder: string): Promise<string> {
  const { name, version, integrity } = source;
  const dependencies = { [name]: version };
  const packages = { "": { dependencies }, [`node_modules/${name}`]: { version, integrity } };
  const lock = { lockfileVersion: 3, packages };
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  await writeFile(join(folder, "package-lock.json"), JSON.stringify(lock));
  // No workspaces: the cache may lie in one of the user's own.
  const options = "--ignore-scripts --package-lock --workspaces=false --no-audit --no-fund";
  await promisify(exec)(`npm ci ${options}`, { cwd: folder }).catch(sayWhy);
  return join(folder, "node_modules", name);
}

/** @throws Error with what npm said, without the place of its log */
function sayWhy({ stderr, message }: Error & { stderr?: string }): never {
  const said = stderr?.match(/(?<=^npm error )(?!A complete log).+$/gm);
  throw new Error(said?.join(" ") ?? message);
}
