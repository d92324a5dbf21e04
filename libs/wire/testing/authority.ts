import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Certificates } from "../src/join/tls.js";

const run = promisify(execFile);
const script = fileURLToPath(new URL("../../../../scripts/certificates.sh", import.meta.url));

/** Whether OpenSSL is installed; prints a line if it is not. */
export async function hasOpenssl(): Promise<boolean> {
  try {
    await run("openssl", ["version"]);
    return true;
  } catch {
    process.stderr.write("tests with certificates are skipped: there is no openssl\n");
    return false;
  }
}

/** A certificate authority created by `scripts/certificates.sh`. */
export class Authority {
  readonly ca: string;
  readonly #shown: ReadonlyMap<string, Certificates>;

  private constructor(ca: string, shown: ReadonlyMap<string, Certificates>) {
    this.ca = ca;
    this.#shown = shown;
  }

  /** @param names in the script's format, for example `coordinator=127.0.0.1,localhost` */
  static async make(...names: string[]): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), "fedclair-authority-"));
    try {
      await run("bash", [script, folder, ...names]);
      const read = (file: string) => readFile(join(folder, file), "utf8");
      const shown = new Map<string, Certificates>();
      for (const name of names.map((one) => one.replace(/=.*/, ""))) {
        shown.set(name, { cert: await read(`${name}.pem`), key: await read(`${name}-key.pem`) });
      }
      return new Authority(await read("ca.pem"), shown);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** The certificates of the end with that name. */
  of(name: string): Certificates {
    return this.#shown.get(name) ?? {};
  }
}
