import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Options of the coordinator that its page shares. */
export interface PageOptions {
  readonly pageTokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure: boolean;
}

/**
 * Starts the live page of a run in a process of its own, so that readers do not slow the
 * coordinator down. The process ends when the channel to this one closes, and reports that the run
 * was interrupted if this one is killed.
 */
export function startPage(
  folder: string,
  listen: string,
  { pageTokenFile, tlsCert, tlsKey, insecure }: PageOptions,
): { close(): Promise<void> } {
  const child = fork(
    fileURLToPath(import.meta.resolve("@fedclair/view/main")),
    [
      ...[folder, "--parent", "--no-open", "--listen", listen],
      ...(pageTokenFile === undefined ? [] : ["--token-file", pageTokenFile]),
      ...(tlsCert === undefined ? [] : ["--tls-cert", tlsCert]),
      ...(tlsKey === undefined ? [] : ["--tls-key", tlsKey]),
      ...(insecure ? ["--insecure"] : []),
    ],
    {
      // Readers of the page have nothing to do with the hosts' token.
      env: { ...process.env, FEDCLAIR_TOKEN: undefined },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  const exit = once(child, "exit").catch(() => undefined);
  return {
    close: async () => {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}
