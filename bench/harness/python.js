// The Python of the other sides.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitSkipped } from "../../scripts/package-index.js";
import { pythonIn } from "../../scripts/python-folder.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
/** NumPy 2.4 asks for it. */
const oldest = "3.11";

/**
 * Makes a virtual environment in `.python` at the first call, a minute or more. Where there is no Python or no package index, it says so
 * and ends the program with 3; where pip fails, with 1.
 * @param {string} file of bench/peers: what is installed
 * @returns {Promise<string>} the path of its Python
 */
export async function pythonWith(file) {
  const requirements = join(workspace, "bench/peers", file);
  const folder = join(workspace, ".python", `bench-${file.replace(/\.txt$/, "")}`);
  const packages = ["--requirement", requirements];
  try {
    return await pythonIn(folder, {
      wanted: await readFile(requirements, "utf8"),
      oldest,
      packages,
    });
  } catch (error) {
    const why = String(error.stderr || error.message).trim();
    console.error(error.exitCode === exitSkipped ? `no other sides: ${why}` : `error: ${why}`);
    process.exit(error.exitCode ?? 1);
  }
}
