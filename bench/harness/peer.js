// The other side of a bench: a Python process that runs on request and answers with its
// milliseconds.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const serve = fileURLToPath(new URL("../peers/serve.py", import.meta.url));

/** Limits libraries with thread pools to one core, as both sides of a bench have one. */
const oneThread = Object.fromEntries(
  ["OMP", "MKL", "OPENBLAS", "NUMEXPR"].map((name) => [`${name}_NUM_THREADS`, "1"]),
);

export class Peer {
  /** Versions of the libraries that it uses, by name. */
  versions = {};
  #child;
  #lines;
  #stderr = "";

  /**
   * Starts a bench of bench/peers and waits until its data are ready, so that no run includes them.
   * @param {string} python path of a Python with the packages that the bench imports
   * @param {string} module file in bench/peers, without .py
   * @param {object} options options of its `prepare`
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
    this.#child.stderr.on("data", (text) => (this.#stderr += text));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Runs the bench once. @returns {Promise<{ ms: number, facts: Record<string, number> }>} */
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
    if (done) throw new Error(`the other side ended:\n${this.#stderr.trim()}`);
    return JSON.parse(value);
  }
}
