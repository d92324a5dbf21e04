// Python with apps/client-python and what its tests need, in a folder of its own: node scripts/python-env.js [extra…]
// Prints the path of its Python; exits with 1 and a word where there is no Python 3.10 or no package index.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const workspace = fileURLToPath(new URL("..", import.meta.url));
const source = join(workspace, "apps/client-python");

/** Seconds after which a package index that does not answer is taken for none. */
const patience = ["--retries", "0", "--timeout", "20"];

/**
 * Makes the environment, or what is new in it, at the first call.
 * @param extras optional dependencies of the package
 * @returns the path of its Python
 */
async function python(extras) {
  const folder = join(workspace, ".python", ["host", ...extras].join("-"));
  const program = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  const project = await readFile(join(source, "pyproject.toml"));
  const wanted = createHash("sha256").update(project).digest("hex");
  if ((await readFile(ready, "utf8").catch(() => "")) === wanted) return program;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run("python3", ["-m", "venv", folder]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...patience];
  await run(program, [...install, "--editable", `${source}[${["test", ...extras].join(",")}]`]);
  await writeFile(ready, wanted);
  return program;
}

try {
  console.log(await python(process.argv.slice(2)));
} catch (error) {
  console.error(`no Python with packages: ${String(error.stderr ?? error.message).trim()}`);
  process.exitCode = 1;
}
