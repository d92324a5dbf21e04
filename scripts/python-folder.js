// A Python with packages, in a folder of its own.
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { indexAnswers, nothingThere, patience } from "./package-index.js";

const run = promisify(execFile);

/** Why there is no such Python, with the exit code of a script that needs it. */
export class Fault extends Error {
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Makes the environment at the first call, and anew when what is wanted has changed.
 * @param folder its place
 * @param {{ wanted: string, oldest: string, packages: readonly string[] }} what `wanted` changes with what is to be installed; the
 *   oldest Python that will do, as 3.11; arguments of `pip install`
 * @returns the path of its Python
 * @throws Fault where python3 is missing or older (3), there is no package index (3), or pip fails otherwise (1)
 */
export async function pythonIn(folder, { wanted, oldest, packages }) {
  const program = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  const isReady = async () => (await readFile(ready, "utf8").catch(() => "")) === wanted;
  if (await isReady()) return program;
  await checkVersion(oldest);
  const lock = `${folder}.lock`;
  await take(lock);
  try {
    if (!(await isReady())) await make(folder, program, packages);
    await writeFile(ready, wanted);
  } finally {
    await rm(lock);
  }
  return program;
}

/** Tests that need the same Python may begin together: one makes it, the others wait. */
async function take(lock) {
  await mkdir(dirname(lock), { recursive: true });
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = Number(await readFile(lock, "utf8").catch(() => ""));
    if (holder > 0 && !isAlive(holder))
      throw new Fault(`process ${holder}, which made the Python here, is gone: remove ${lock}`, 1);
    await setTimeout(200);
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function make(folder, program, packages) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run("python3", ["-m", "venv", folder]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...patience];
  try {
    await run(program, [...install, ...packages]);
  } catch (error) {
    const said = error.stderr.trim();
    throw (await indexAnswers(program))
      ? new Fault(`pip failed:\n${said}`, 1)
      : new Fault(`no package index:\n${said}`, nothingThere);
  }
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
