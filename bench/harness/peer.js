// The other side of a bench: a Python process that stays, is told to run, and answers with its milliseconds.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const serve = fileURLToPath(new URL("../peers/serve.py", import.meta.url));

/** Both sides of a bench have one core: what has pools of threads must not use the other. */
const oneThread = Object.fromEntries(
  ["OMP", "MKL", "OPENBLAS", "NUMEXPR"].map((name) => [`${name}_NUM_THREADS`, "1"]),
);

export class Peer {
  /** What it is made of, by name: its version. */
  versions = {};
  #child;
  #lines;
  #said = "";

  /**
   * Starts a bench of bench/peers and waits until its data are there, so that no run counts them.
   * @param {string} python the path of one that has what the bench imports
   * @param {string} module its file there, without .py
   * @param {object} options what its `prepare` takes
   */
  static async start(python, module, options) {
    const peer = new Peer(python, module, options);
    peer.versions = (await peer.#next()).versions;
    return peer;
  }

  constructor(python, module, options) {
    const env = { ...process.env, ...oneThread, PYTHONDONTWRITEBYTECODE: "1" };
    this.#child = spawn(python, [serve, module], { env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdin.write(JSON.stringify(options) + "\n");
    this.#child.stderr.on("data", (text) => (this.#said += text));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** One run. @returns {Promise<{ ms: number, facts: Record<string, number> }>} */
  async run() {
    this.#child.stdin.write("run\n");
    return this.#next();
  }

  async close() {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
  }

  async #next() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the other side ended:\n${this.#said.trim()}`);
    return JSON.parse(value);
  }
}
