import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseTokenKey, signToken, type TokenClaims } from "@fedclair/wire/signed-token";
import { fedclair } from "./command.js";
import { temporaryFolder, workspace } from "./paths.js";

const run = promisify(execFile);

/** Skips the tests of a suite, with a message, if OpenSSL is missing. */
export function requireOpenssl(): void {
  before(async function () {
    const version = await run("openssl", ["version"]).catch(() => undefined);
    if (version) return;
    process.stderr.write("tests with certificates are skipped: there is no openssl\n");
    this.skip();
  });
}

/** Files with a certificate authority, its certificates, a token key and its tokens. */
export class Secrets {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Creates them as in docs/security.md, for a coordinator at 127.0.0.1 and some hosts. */
  static async make(...hosts: string[]): Promise<Secrets> {
    const folder = join(await temporaryFolder(), "secrets");
    await mkdir(folder);
    const script = join(workspace, "scripts/certificates.sh");
    await run("bash", [script, folder, "coordinator=127.0.0.1", ...hosts]);
    const newKey = await fedclair(["token", "--new-key", join(folder, "token-key")]);
    if (newKey.code !== 0) throw new Error(newKey.stderr);
    return new Secrets(folder);
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /** Options of the coordinator. With `mutual`, hosts must show certificates. */
  coordinator({ mutual = false } = {}): string[] {
    const options = ["--tls-cert", this.file("coordinator.pem")];
    const key = ["--tls-key", this.file("coordinator-key.pem")];
    return [...options, ...key, ...(mutual ? ["--tls-client-ca", this.file("ca.pem")] : [])];
  }

  /** Options of a host. With a name, it shows the certificate of that name. */
  host(name?: string): string[] {
    const options = [
      "--tls-cert",
      this.file(`${name}.pem`),
      "--tls-key",
      this.file(`${name}-key.pem`),
    ];
    return ["--tls-ca", this.file("ca.pem"), ...(name === undefined ? [] : options)];
  }

  /** Creates a token with `fedclair token`. */
  async token(host: string, ...options: string[]): Promise<string> {
    const args = ["token", "--key", this.file("token-key"), "--host", host, ...options];
    const { code, stdout, stderr } = await fedclair(args);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  /** Creates a signed token with any content. */
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
