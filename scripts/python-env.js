// Python with apps/client-python and what its tests need, in a folder of its own: node scripts/python-env.js [extra…]
// Prints the path of its Python. Exits with 2 for an extra that is none, with 3 and a word where there is no Python as
// pyproject.toml asks for or no package index, and with 1 if anything else fails.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { indexAnswers, nothingThere, patience } from "./package-index.js";

const run = promisify(execFile);
const workspace = fileURLToPath(new URL("..", import.meta.url));
const source = join(workspace, "apps/client-python");

class Fault extends Error {
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Makes the environment, or what is new in it, at the first call.
 * @param extras optional dependencies of the package
 * @returns the path of its Python
 * @throws Fault
 */
async function python(extras) {
  const project = await readFile(join(source, "pyproject.toml"), "utf8");
  const [, optional = ""] = /^\[project\.optional-dependencies\]\n([^]*?)\n\[/m.exec(project) ?? [];
  const known = [...optional.matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
  const unknown = extras.filter((extra) => !known.includes(extra));
  if (unknown.length > 0) {
    throw new Fault(`'${unknown.join(" ")}': expected any of ${known.join(", ")}`, 2);
  }
  const folder = join(workspace, ".python", ["host", ...extras].join("-"));
  const program = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  const wanted = createHash("sha256").update(project).digest("hex");
  if ((await readFile(ready, "utf8").catch(() => "")) === wanted) return program;
  await checkVersion(/^requires-python = ">=(\d+\.\d+)"$/m.exec(project)[1]);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run("python3", ["-m", "venv", folder]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...patience];
  try {
    await run(program, [...install, "--editable", `${source}[${["test", ...extras].join(",")}]`]);
  } catch (error) {
    const said = error.stderr.trim();
    throw (await indexAnswers(program))
      ? new Fault(`pip failed:\n${said}`, 1)
      : new Fault(`no package index:\n${said}`, nothingThere);
  }
  await writeFile(ready, wanted);
  return program;
}

/** @throws Fault where python3 is missing or older than this */
async function checkVersion(oldest) {
  const code = "import sys; print('%d.%d' % sys.version_info[:2])";
  const found = await run("python3", ["-c", code]).then(
    ({ stdout }) => stdout.trim(),
    (error) => {
      if (error.code === "ENOENT") throw new Fault(`no Python ${oldest}: no python3`, nothingThere);
      throw error;
    },
  );
  const [[major, minor], [wanted, least]] = [found, oldest].map((of) => of.split(".").map(Number));
  if (major < wanted || (major === wanted && minor < least)) {
    throw new Fault(`no Python ${oldest}: python3 is ${found}`, nothingThere);
  }
}

try {
  console.log(await python(process.argv.slice(2)));
} catch (error) {
  console.error(`python-env: ${String(error.stderr || error.message).trim()}`);
  process.exitCode = error.exitCode ?? 1;
}
