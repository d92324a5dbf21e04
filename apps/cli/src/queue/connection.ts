import { UserError } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { systemErrorCode, unlessAborted } from "@fedclair/runs";
import { isLoopback } from "@fedclair/wire";
import type { Redis } from "ioredis";
import { prefix, queueName } from "./queued-trial.js";

/**
 * The environment variable with the address of the queue. Other users of the machine could read an
 * argument.
 */
const variable = "FEDCLAIR_QUEUE";

/** The release of BullMQ whose queues this release of fedclair can use. */
const bullmqRelease = 6;

/** The oldest release of Redis that BullMQ recommends. Every Valkey reports a later one. */
const oldestServer = [6, 2] as const;

/** A connection to Valkey or Redis. */
export interface Connection {
  readonly client: Redis;
  /** The address of the server, without user and password. */
  readonly address: string;
}

/**
 * Connects to a queue. While the server does not answer, it retries and prints warnings.
 * @param option the value of --queue; true: without a value
 * @param warn prints a line for the user
 * @throws UserError for an invalid address, a wrong password, or packages that are not installed
 */
export async function connect(
  option: string | true | undefined,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<Connection> {
  const url = parseQueueUrl(typeof option === "string" ? option : process.env[variable]);
  const address = `${url.protocol}//${url.host}${url.pathname}`;
  const { Redis } = await importOptional(() => import("ioredis"));
  if (url.protocol === "redis:" && !isLoopback(url.hostname)) {
    warn(
      "no TLS: anyone who can read the network traffic sees the password and can change the queue",
    );
  }
  const client = new Redis(url.href, {
    maxRetriesPerRequest: null, // a worker waits without a limit
    retryStrategy: (times) => Math.min(500 * times, 5000),
    socketTimeout: 20_000, // longer than any command blocks; a cut cable closes nothing
  });
  let lastWarning = "";
  client.on("ready", () => {
    lastWarning = "";
  });
  client.on("error", (error: Error) => {
    const why = systemErrorCode(error) ?? error.message;
    if (why !== lastWarning && !isDenial(error))
      warn(`no queue at ${address}: ${why}; still trying`);
    lastWarning = why;
  });
  try {
    const info = await unlessAborted(signal, client.info());
    requireRecent(info, address);
    const maker = await client.hget(`${prefix}:${queueName}:meta`, "version");
    if (maker !== null && !maker.startsWith(`bullmq:${bullmqRelease}.`)) {
      throw new UserError(
        `the queue at ${address} was made by ${printable(maker, 40)}, expected bullmq ${bullmqRelease}: choose another database of the server, as in redis://host:port/1`,
      );
    }
    const [, policy = "noeviction"] = /^maxmemory_policy:(\S+)/m.exec(info) ?? [];
    if (policy !== "noeviction") {
      warn(
        `the queue at ${address} has maxmemory-policy ${policy} and may lose trials: set it to noeviction`,
      );
    }
  } catch (error) {
    client.disconnect();
    if (!(error instanceof Error) || !isDenial(error)) throw error;
    throw new UserError(`the queue at ${address} does not let us in: ${error.message}`);
  }
  return { client, address };
}

/** @throws UserError if the server is too old for BullMQ */
function requireRecent(info: string, address: string): void {
  const [, version, major, minor] = /^redis_version:((\d+)\.(\d+)\S*)/m.exec(info) ?? [];
  const [oldest, least] = oldestServer;
  if (version === undefined || Number(major) > oldest) return;
  if (Number(major) === oldest && Number(minor) >= least) return;
  throw new UserError(
    `the server at ${address} is Redis ${version}, which is too old for BullMQ ${bullmqRelease}: expected Valkey, or Redis ${oldest}.${least} or later`,
  );
}

function isDenial({ message }: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(message);
}

function parseQueueUrl(text: string | undefined): URL {
  const expected = "expected redis://host:port/db, or rediss:// with TLS";
  if (text === undefined) {
    throw new UserError(
      `--queue: ${expected}, as its value or in the environment variable ${variable}`,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The message does not repeat the value, which may contain a password.
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === "")
    throw new UserError(`--queue: ${expected}, got something else`);
  return url;
}

/**
 * Imports a package for queues. Few users need these packages, so they are not installed with the
 * command.
 */
export async function importOptional<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (systemErrorCode(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new UserError(
      "--queue takes two packages that fedclair does without: npm install bullmq@6 ioredis@6",
    );
  }
}
