// A virtual environment with the packages of requirements.txt.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { indexAnswers, pipOptions } from "../../../scripts/package-index.js";

const run = promisify(execFile);
const here = fileURLToPath(new URL("./", import.meta.url));

/** One core, so that numbers are the same on all machines of one kind. */
const environment = {
  ...process.env,
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  TOKENIZERS_PARALLELISM: "false",
  PYTHONUNBUFFERED: "1",
  PYTHONDONTWRITEBYTECODE: "1",
  HF_HUB_DISABLE_TELEMETRY: "1",
};

/**
 * Creates the environment at the first call and again when the requirements have changed.
 * @returns the path of its Python; undefined, after a message, without Python 3 or a package index
 * @throws Error with the output of Python or pip if it fails otherwise
 */
export async function pythonIn(folder) {
  const python = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  const wanted = await readFile(join(here, "requirements.txt"), "utf8");
  if ((await readFile(ready, "utf8").catch(() => "")) === wanted) return python;
  try {
    await run("python3", ["-m", "venv", "--clear", folder]);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    process.stderr.write("there is no python3\n");
    return undefined;
  }
  try {
    const install = ["-m", "pip", "install", ...pipOptions];
    await run(python, [...install, "--requirement", join(here, "requirements.txt")]);
  } catch (error) {
    if (await indexAnswers(python)) throw error;
    process.stderr.write(`there is no package index: ${String(error.stderr).trim()}\n`);
    return undefined;
  }
  await run(python, ["-c", "import peft, torch, transformers"]);
  await writeFile(ready, wanted);
  return python;
}

/**
 * Runs a script, a path or a name in this folder, with its output on standard error.
 * @throws Error if it fails
 */
export async function runScript(python, script, options) {
  const child = spawn(python, [resolve(here, script), ...options], {
    env: environment,
    stdio: ["ignore", 2, 2],
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${script} ${options.join(" ")}: exit code ${code}`);
}

export async function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}
