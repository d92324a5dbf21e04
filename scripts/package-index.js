// Tests after a failure of pip whether the package index can be reached. If it cannot, scripts
// skip; all other failures are errors.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Options of pip that limit the time it waits for a package index. */
const pipTimeouts = ["--retries", "1", "--timeout", "20"];

/** Options of `pip install`. */
export const pipOptions = ["--quiet", "--disable-pip-version-check", ...pipTimeouts];

/** Exit code of scripts that skip because there is no Python or no package index. */
export const exitSkipped = 3;

/**
 * @param python the path of a Python with pip
 * @returns whether pip can download a small package from the index that it is configured to use
 */
export async function indexAnswers(python) {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-index-"));
  const options = ["--quiet", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"];
  try {
    const pip = ["-m", "pip", "download", ...options, ...pipTimeouts, "--dest", folder, "wheel"];
    await run(python, pip);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
