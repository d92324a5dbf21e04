import { UserError } from "@fedclair/core";
import { systemErrorCode } from "@fedclair/runs";
import { isLoopback } from "@fedclair/wire";
import type { Redis } from "ioredis";
import { whenAborted } from "../when-aborted.js";

/** Where the queue is, as the environment has it: an argument can be read by other users of the machine. */
const variable = "FEDCLAIR_QUEUE";

/** A connection to Valkey, or to Redis. */
export interface Connection {
  readonly client: Redis;
  /** Its address without user and password. */
  readonly address: string;
}

/**
 * Connects to a queue, and tries again as long as nobody answers; says so.
 * @param option what the command was given; true: nothing
 * @param warn tells the user a line
 * @throws UserError for an address that is none, a password that is wrong, packages that are not installed
 */
export async function connect(
  option: string | true | undefined,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<Connection> {
  const url = addressOf(typeof option === "string" ? option : process.env[variable]);
  const address = `${url.protocol}//${url.host}${url.pathname}`;
  const { Redis } = await optional(() => import("ioredis"));
  if (url.protocol === "redis:" && !isLoopback(url.hostname)) {
    warn("no TLS: who sees the network can read the password and change what is queued");
  }
  const client = new Redis(url.href, {
    maxRetriesPerRequest: null, // a worker waits as long as it takes
    retryStrategy: (times) => Math.min(500 * times, 5000),
  });
  let said = "";
  client.on("ready", () => {
    said = "";
  });
  client.on("error", (error: Error) => {
    const why = systemErrorCode(error) ?? error.message;
    if (why !== said && !isDenial(error)) warn(`no queue at ${address}: ${why}; still trying`);
    said = why;
  });
  try {
    const memory = await Promise.race([client.info("memory"), whenAborted(signal)]);
    const [, policy = "noeviction"] = /^maxmemory_policy:(\S+)/m.exec(memory) ?? [];
    if (policy !== "noeviction") {
      warn(
        `the queue at ${address} has maxmemory-policy ${policy} and may forget trials: set it to noeviction`,
      );
    }
  } catch (error) {
    client.disconnect();
    if (!(error instanceof Error) || !isDenial(error)) throw error;
    throw new UserError(`the queue at ${address} does not let us in: ${error.message}`);
  }
  return { client, address };
}

function isDenial({ message }: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(message);
}

function addressOf(text: string | undefined): URL {
  const expected = "expected redis://host:port/db, or rediss:// with TLS";
  if (text === undefined) {
    throw new UserError(`--queue: ${expected}, there or in the environment as ${variable}`);
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Not repeated: it may hold a password.
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === "")
    throw new UserError(`--queue: ${expected}, got something else`);
  return url;
}

/** Few need a queue: its packages are not installed with the command. */
export async function optional<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (systemErrorCode(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new UserError(
      "--queue takes two packages that fedclair does without: npm install bullmq@6 ioredis@6",
    );
  }
}
