import { exec } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "@fedclair/core";
import pacote from "pacote";

/** A package of the npm registry that is used for its files only: its dependencies are not fetched. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** What the registry's tarball must hash to, as in a lock file. */
  readonly integrity: string;
}

/** Puts a package's files into a new folder. */
export type Extract = (source: NpmPackage, folder: string) => Promise<void>;

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
  extract: Extract = extractFromRegistry,
): Promise<string> {
  const folder = join(cache, "npm", `${source.name}-${source.version}`);
  if (await exists(folder)) return folder;
  const unfinished = `${folder}.${randomUUID()}.tmp`;
  try {
    await mkdir(unfinished, { recursive: true });
    await extract(source, unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process may have been first: a folder under its final name is complete.
    if (await exists(folder)) return folder;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `cannot fetch ${source.name}@${source.version} into ${cache}: ${reason}; ${advice}`,
    );
  }
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function extractFromRegistry(source: NpmPackage, folder: string): Promise<void> {
  const { name, version, integrity } = source;
  await pacote.extract(`${name}@${version}`, folder, { ...(await npmSettings()), integrity });
}

/** The user's own settings of npm (registry, certificates, proxy), in the words of pacote. */
async function npmSettings(): Promise<pacote.Options> {
  // Inside a workspace of the user's own, npm refuses to list settings unless told not to look at workspaces.
  const { stdout } = await promisify(exec)("npm config list --json --long --workspaces=false");
  const settings = JSON.parse(stdout) as Record<string, unknown>;
  const { cafile, "strict-ssl": strictSSL, "https-proxy": httpsProxy } = settings;
  const scoped = Object.entries(settings).filter(([key]) => key.endsWith(":registry"));
  return {
    ...Object.fromEntries(scoped),
    registry: settings["registry"],
    proxy: settings["proxy"],
    noProxy: settings["noproxy"],
    httpsProxy,
    strictSSL,
    ca: typeof cafile === "string" ? await readFile(cafile, "utf8") : settings["ca"],
  } as pacote.Options;
}
