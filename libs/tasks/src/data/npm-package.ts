import { exec } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
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
 * The folder with a package's files, fetched into the cache at the first call, and checked at each: a file that changed since
 * would change every number without a word. Several processes may call at once.
 * @param advice for the user's error: what to do if the package cannot be fetched
 * @throws UserError when it is neither in the cache nor to be had from the registry, or was changed
 */
export async function packageFolder(
  source: NpmPackage,
  advice: string,
  cache = cacheFolder(),
  fetch: Fetch = fetchFromRegistry,
): Promise<string> {
  const folder = join(cache, "npm", `${source.name}-${source.version}`);
  if (await isWhole(folder)) return folder;
  const unfinished = `${folder}.${randomUUID()}.tmp`;
  try {
    await mkdir(unfinished, { recursive: true });
    const fetched = await fetch(source, unfinished);
    await writeFile(join(fetched, manifestFile), JSON.stringify(await hashesIn(fetched), null, 1));
    if (!(await hasManifest(folder))) await rm(folder, { recursive: true, force: true });
    await rename(fetched, folder);
  } catch (error) {
    // Another process may have been first: a folder under its final name is complete.
    if (await isWhole(folder)) return folder;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `cannot fetch ${source.name}@${source.version} into ${cache}: ${reason}; ${advice}`,
    );
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

const manifestFile = "fedclair-manifest.json";

/** False of what an earlier release left. */
function hasManifest(folder: string): Promise<boolean> {
  return access(join(folder, manifestFile)).then(
    () => true,
    () => false,
  );
}

/** Is the folder there, as it was fetched? @throws UserError naming a file that is not */
async function isWhole(folder: string): Promise<boolean> {
  if (!(await hasManifest(folder))) return false;
  const manifest = await readFile(join(folder, manifestFile), "utf8");
  const [expected, found] = [JSON.parse(manifest) as Hashes, await hashesIn(folder)];
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  const changed = [...names].find((name) => expected[name] !== found[name]);
  if (changed === undefined) return true;
  throw new UserError(
    `'${join(folder, changed)}' is not as it was fetched: remove '${folder}', and it is fetched again`,
  );
}

/** SHA-256 by the path in the folder. */
type Hashes = Readonly<Record<string, string>>;

async function hashesIn(folder: string): Promise<Hashes> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.flatMap((entry) =>
    entry.isFile() && entry.name !== manifestFile
      ? [relative(folder, join(entry.parentPath, entry.name))]
      : [],
  );
  const hashes = await Promise.all(
    paths.sort().map(async (path): Promise<[string, string]> => {
      const content = await readFile(join(folder, path));
      return [path, createHash("sha256").update(content).digest("hex")];
    }),
  );
  return Object.fromEntries(hashes);
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
