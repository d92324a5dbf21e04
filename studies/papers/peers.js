// The other side of a comparison: a program in Python that answers one line of JSON per line.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { promisify } from "node:util";
import { pythonIn } from "../../scripts/python-folder.js";

const root = join(import.meta.dirname, "../..");

/**
 * Starts a program in a virtual environment of its own, with one thread.
 * @param {string} folder of the program
 * @param {string} program such as conic.py
 * @param {readonly string[]} packages as for pip
 * @param {readonly string[]} bare packages to install without what they depend on
 * @returns {Promise<{ ask: (question: object) => Promise<any>, close: () => Promise<void> }>}
 * @throws Fault without Python or its packages
 */
export async function startPeer(folder, program, packages, bare = []) {
  const python = await pythonIn(join(root, ".python/papers", program.replace(".py", "")), {
    wanted: packages.join(),
    oldest: "3.11",
    packages,
  });
  if (bare.length > 0) {
    await promisify(execFile)(python, ["-m", "pip", "install", "--quiet", "--no-deps", ...bare]);
  }
  const child = spawn(python, [join(folder, program)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${program} stopped; its message is above`);
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await once(child, "close");
    },
  };
}
