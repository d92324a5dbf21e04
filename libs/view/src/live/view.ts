import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { loadPlugins, resolveModules } from "@fedclair/plugins";
import {
  describeStored,
  findHolder,
  interruption,
  parseAddress,
  readCertificates,
  readOptionFile,
  readRunInfo,
} from "@fedclair/runs";
import { checkExposure } from "@fedclair/wire";
import { openBrowser } from "./open-browser.js";
import { servePage } from "./serve.js";

export interface ViewOptions {
  readonly listen: string;
  readonly open: boolean;
  readonly tokenFile?: string;
  readonly replayTokenFile?: string;
  /** The main module of the command that started this one. */
  readonly program?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure: boolean;
  /** Is the parent process a run whose page this is? */
  readonly parent: boolean;
  readonly plugins: readonly string[];
}

/**
 * `fedclair view`: serves the page until it is interrupted, or its parent process is gone.
 * @throws UserError if there is no such folder, or the address would be open to everybody
 */
export async function view(folder: string, options: ViewOptions): Promise<void> {
  const { listen, tokenFile, insecure, program, plugins: modules } = options;
  if (!options.parent && !existsSync(folder))
    throw new UserError(`'${folder}' does not exist: name a folder with runs`);
  const { host, port } = parseAddress(listen);
  const token = readPageToken("--token-file", tokenFile);
  const replayToken = readPageToken("--replay-token-file", options.replayTokenFile);
  if (replayToken !== undefined && readRunInfo(folder)) {
    throw new UserError(
      `--replay-token-file: replays of '${folder}' would lie next to it, where this page does not look: name the folder that holds the run, like '${dirname(resolve(folder))}'`,
    );
  }
  const tls = readCertificates({
    cert: ["--tls-cert", options.tlsCert],
    key: ["--tls-key", options.tlsKey],
    ca: ["", undefined],
  });
  checkExposure(
    host,
    { insecure, ...(token !== undefined && { tokens: { secret: token } }), ...(tls && { tls }) },
    (line) => process.stderr.write(`${line}\n`),
  );
  const resolved = resolveModules(modules);
  const describe = (run: string) =>
    describeStored(run, (content) => loadPlugins(resolved, content));
  const server = await servePage({
    root: folder,
    isRun: options.parent,
    host,
    port,
    token,
    tls,
    replays:
      replayToken === undefined || program === undefined
        ? undefined
        : { token: replayToken, program, plugins: modules },
    describe,
  });
  const address = token === undefined ? server.url : `${server.url}/?token=<token>`;
  process.stderr.write(`page of ${oneLine(folder)}: ${address}\n`);
  if (options.open) openBrowser(token === undefined ? server.url : `${server.url}/?token=${token}`);
  if (!interruption.signal.aborted) await once(interruption.signal, "abort");
  if (options.parent) await untilReleased(folder);
  await server.close();
}

/**
 * Waits until no process holds a run, for at most a second. A process that is killed closes its
 * channels before it is gone, and until then the run looks as if it were still running.
 */
async function untilReleased(folder: string): Promise<void> {
  for (let waits = 0; waits < 50 && findHolder(folder); waits++) await delay(20);
}

/** @throws UserError if the file is empty */
function readPageToken(option: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const token = readOptionFile(option, file).trim();
  if (token !== "") return token;
  throw new UserError(`${option}: '${file}' is empty: expected a token`);
}
