// Is there a package index? Asked after a failure of pip, to tell one of the network, after which a script skips, from all others.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Options of pip: an index that does not answer after some seconds is taken for none. */
export const patience = ["--retries", "1", "--timeout", "20"];

/** The exit code of scripts that skip as there is no Python or no package index: neither a success nor a failure. */
export const nothingThere = 3;

/**
 * @param python the path of a Python with pip
 * @returns does the index that pip is set to give a small package, fetched anew?
 */
export async function indexAnswers(python) {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-index-"));
  const options = ["--quiet", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"];
  try {
    const pip = ["-m", "pip", "download", ...options, ...patience, "--dest", folder, "wheel"];
    await run(python, pip);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
