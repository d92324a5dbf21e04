import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseTokenKey, signToken, type TokenClaims } from "@fedclair/wire/signed-token";
import { fedclair } from "./command.js";
import { temporaryFolder, workspace } from "./paths.js";

const run = promisify(execFile);

/** For a suite whose tests take certificates: skips them, with a word, where there is no OpenSSL. */
export function takesOpenssl(): void {
  before(async function () {
    const found = await run("openssl", ["version"]).catch(() => undefined);
    if (found) return;
    process.stderr.write("tests with certificates are skipped: there is no openssl\n");
    this.skip();
  });
}

/** Certificates of an authority of its own, and a token key with tokens of it, in files. */
export class Secrets {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** As docs/security.md makes them: a coordinator at 127.0.0.1, and hosts. */
  static async make(...hosts: string[]): Promise<Secrets> {
    const folder = join(await temporaryFolder(), "secrets");
    await mkdir(folder);
    const script = join(workspace, "scripts/certificates.sh");
    await run("bash", [script, folder, "coordinator=127.0.0.1", ...hosts]);
    const made = await fedclair(["token", "--new-key", join(folder, "token-key")]);
    if (made.code !== 0) throw new Error(made.stderr);
    return new Secrets(folder);
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /** Options of the coordinator; with `mutual` its hosts must show certificates. */
  coordinator({ mutual = false } = {}): string[] {
    const shown = ["--tls-cert", this.file("coordinator.pem")];
    const key = ["--tls-key", this.file("coordinator-key.pem")];
    return [...shown, ...key, ...(mutual ? ["--tls-client-ca", this.file("ca.pem")] : [])];
  }

  /** Options of a host; with a name it shows the certificate of that. */
  host(name?: string): string[] {
    const shown = [
      "--tls-cert",
      this.file(`${name}.pem`),
      "--tls-key",
      this.file(`${name}-key.pem`),
    ];
    return ["--tls-ca", this.file("ca.pem"), ...(name === undefined ? [] : shown)];
  }

  /** A token that `fedclair token` makes. */
  async token(host: string, ...options: string[]): Promise<string> {
    const args = ["token", "--key", this.file("token-key"), "--host", host, ...options];
    const { code, stdout, stderr } = await fedclair(args);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  /** A token that says anything. */
  async signed(changes: Partial<TokenClaims>): Promise<string> {
    const key = parseTokenKey(await readFile(this.file("token-key"), "utf8"));
    const times = { issued: 0, expires: Math.floor(Date.now() / 1000) + 600 };
    return signToken(key, {
      id: "f".repeat(16),
      role: "host",
      host: "gpu-1",
      ...times,
      ...changes,
    });
  }

  async write(name: string, text: string): Promise<string> {
    await writeFile(this.file(name), text);
    return this.file(name);
  }
}
