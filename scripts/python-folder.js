// Virtual environments of Python.
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { indexAnswers, exitSkipped, pipOptions } from "./package-index.js";

const run = promisify(execFile);

/** The reason why an environment is missing, with the exit code for a script that needs it. */
export class Fault extends Error {
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Creates the environment at the first call and again when the requirements change.
 * @param folder place of the environment
 * @param {{ wanted: string, oldest: string, packages: readonly string[] }} requirements `wanted`
 *   changes with the requirements; `oldest` is the oldest Python that is accepted, for example
 *   3.11;
 *   `packages` are arguments of `pip install`
 * @returns the path of its Python
 * @throws Fault if python3 is missing or older (3), there is no package index (3), or pip fails
 *   otherwise (1)
 */
export async function pythonIn(folder, { wanted, oldest, packages }) {
  const program = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  const isReady = async () => (await readFile(ready, "utf8").catch(() => "")) === wanted;
  if (await isReady()) return program;
  await checkVersion(oldest);
  const lock = `${folder}.lock`;
  await acquire(lock);
  try {
    if (!(await isReady())) await create(folder, program, packages);
    await writeFile(ready, wanted);
  } finally {
    await rm(lock);
  }
  return program;
}

/** Acquires a lock file: of several tests that start together, one creates the environment. */
async function acquire(lock) {
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
      throw new Fault(
        `process ${holder}, which created this environment, is gone: remove ${lock}`,
        1,
      );
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

async function create(folder, program, packages) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run("python3", ["-m", "venv", folder]);
  const install = ["-m", "pip", "install", ...pipOptions];
  try {
    await run(program, [...install, ...packages]);
  } catch (error) {
    const message = error.stderr.trim();
    throw (await indexAnswers(program))
      ? new Fault(`pip failed:\n${message}`, 1)
      : new Fault(`no package index:\n${message}`, exitSkipped);
  }
}

/** @throws Fault if python3 is missing or older than `oldest` */
async function checkVersion(oldest) {
  const code = "import sys; print('%d.%d' % sys.version_info[:2])";
  const found = await run("python3", ["-c", code]).then(
    ({ stdout }) => stdout.trim(),
    (error) => {
      if (error.code === "ENOENT") throw new Fault(`no Python ${oldest}: no python3`, exitSkipped);
      throw error;
    },
  );
  const [[major, minor], [wanted, least]] = [found, oldest].map((of) => of.split(".").map(Number));
  if (major < wanted || (major === wanted && minor < least)) {
    throw new Fault(`no Python ${oldest}: python3 is ${found}`, exitSkipped);
  }
}
