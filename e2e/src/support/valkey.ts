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
  /** Kills the server, and starts it again with what it has on its disk. */
  readonly restart: () => Promise<void>;
}

const running = new Set<{ process: ChildProcess; readonly client: Redis }>();

/** @param args arguments of valkey-server in addition to port and folder */
export async function startValkey(
  args: readonly string[] = [],
  options: { readonly password?: string; readonly tls?: { readonly ca: Buffer } } = {},
): Promise<Valkey> {
  const port = await freePort();
  const listen = options.tls ? ["--port", "0", "--tls-port", String(port)] : ["--port", `${port}`];
  const all = [...listen, "--bind", "127.0.0.1", "--save", "", "--dir", await temporaryFolder()];
  const spawnServer = () => spawn("valkey-server", [...all, ...args], { stdio: "ignore" });
  const client = new Redis({
    ...options,
    host: "127.0.0.1",
    port,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null, // a busy machine takes its time to start it
  });
  client.on("error", () => undefined); // it is not there yet
  const server = { process: spawnServer(), client };
  running.add(server);
  await client.ping();
  const restart = async () => {
    const closed = once(server.process, "close");
    server.process.kill("SIGKILL");
    await closed;
    server.process = spawnServer();
  };
  return { port, url: `redis://127.0.0.1:${port}`, client, restart };
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
