// node scripts/python-env.js [extra…]: installs apps/client-python with its test dependencies into
// a virtual environment and prints the path of its Python. Exits with 2 for a missing extra, with
// 3 and a message if there is no Python that fits pyproject.toml or no package index, and with 1 if
// anything else fails.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fault, pythonIn } from "./python-folder.js";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const source = join(workspace, "apps/client-python");

/**
 * @param extras optional dependencies of the package
 * @returns the path of a Python with these extras installed
 * @throws Fault
 */
async function python(extras) {
  const project = await readFile(join(source, "pyproject.toml"), "utf8");
  const [, optional = ""] = /^\[project\.optional-dependencies\]\n([^]*?)\n\[/m.exec(project) ?? [];
  const available = [...optional.matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
  const missing = extras.filter((extra) => !available.includes(extra));
  if (missing.length > 0) {
    throw new Fault(`'${missing.join(" ")}': expected any of ${available.join(", ")}`, 2);
  }
  return pythonIn(join(workspace, ".python", ["host", ...extras].join("-")), {
    wanted: createHash("sha256").update(project).digest("hex"),
    oldest: /^requires-python = ">=(\d+\.\d+)"$/m.exec(project)[1],
    packages: ["--editable", `${source}[${["test", ...extras].join(",")}]`],
  });
}

try {
  console.log(await python(process.argv.slice(2)));
} catch (error) {
  console.error(`python-env: ${String(error.stderr || error.message).trim()}`);
  process.exitCode = error.exitCode ?? 1;
}
