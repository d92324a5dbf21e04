import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { cleanUps } from "./afterwards.js";
import { freePort } from "./free-port.js";
import { temporaryFolder } from "./paths.js";

/** A running Valkey, which is stopped after the test. */
export interface Valkey {
  readonly port: number;
  readonly url: string;
  readonly client: Redis;
}

const running = new Set<{ readonly process: ChildProcess; readonly client: Redis }>();

/** @param args arguments of valkey-server in addition to port and folder */
export async function startValkey(
  args: readonly string[] = [],
  options: { readonly password?: string; readonly tls?: { readonly ca: Buffer } } = {},
): Promise<Valkey> {
  const port = await freePort();
  const listen = options.tls ? ["--port", "0", "--tls-port", String(port)] : ["--port", `${port}`];
  const child = spawn(
    "valkey-server",
    [...listen, "--bind", "127.0.0.1", "--save", "", "--dir", await temporaryFolder(), ...args],
    { stdio: "ignore" },
  );
  const client = new Redis({
    ...options,
    host: "127.0.0.1",
    port,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null, // a busy machine takes its time to start it
  });
  client.on("error", () => undefined); // it is not there yet
  running.add({ process: child, client });
  await client.ping();
  return { port, url: `redis://127.0.0.1:${port}`, client };
}

cleanUps.push(async () => {
  for (const { process: child, client } of running) {
    client.disconnect();
    const closed = child.exitCode === null ? once(child, "close") : undefined;
    child.kill("SIGKILL");
    await closed;
  }
  running.clear();
});
