// The virtual environments of the other sides.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitSkipped } from "../../scripts/package-index.js";
import { pythonIn } from "../../scripts/python-folder.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
/** The oldest Python that NumPy 2.4 supports. */
const oldest = "3.11";

/**
 * Creates the environment of Flower, in which fedclair's Python hosts run as well.
 * @returns {Promise<string>} the path of its Python
 */
export function installFlower() {
  const client = join(workspace, "apps/client-python");
  return installPython("requirements-flower.txt", ["--editable", client]); // no stale copy
}

/**
 * Creates a virtual environment in `.python` at the first call, which takes a minute or more.
 * Without Python or a package index it prints a message and exits with 3; if pip fails, with 1.
 * @param {string} file requirements file of bench/peers
 * @param {readonly string[]} [more] other arguments of `pip install`, as a folder with a package
 * @returns {Promise<string>} the path of its Python
 */
export async function installPython(file, more = []) {
  const requirements = join(workspace, "bench/peers", file);
  const folder = join(workspace, ".python", `bench-${file.replace(/\.txt$/, "")}`);
  const packages = ["--requirement", requirements, ...more];
  try {
    return await pythonIn(folder, {
      wanted: [await readFile(requirements, "utf8"), ...more].join("\n"),
      oldest,
      packages,
    });
  } catch (error) {
    const why = String(error.stderr || error.message).trim();
    console.error(error.exitCode === exitSkipped ? `no other sides: ${why}` : `error: ${why}`);
    process.exit(error.exitCode ?? 1);
  }
}
