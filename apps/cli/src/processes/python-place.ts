import { setTimeout as delay } from "node:timers/promises";
import type { ClientPool, PreparedTrial, PythonClients } from "@fedclair/core/internal";
import { watchServer } from "@fedclair/plugins";
import { version, type TrialPlace } from "@fedclair/runs";
import { hostedTrial, SocketPool } from "@fedclair/wire";
import {
  checkInterpreter,
  keepHosts,
  lostHosts,
  Processes,
  type HostFailure,
  type Hosts,
} from "./host-processes.js";
import { withOptions, type PythonOptions } from "./read-hosts.js";

/** Time for hosts to exit after their trial, in ms. */
const farewell = 5000;

/** How the Python hosts of a place run. */
export interface PythonPlaceOptions extends PythonOptions {
  /** Number of Python hosts, if there are that many clients. Default: 1. */
  readonly hosts?: number;
}

/**
 * Opens the place of a trial whose external clients run in Python: this process coordinates, and
 * starts hosts for each kind of client.
 * @param backend the TensorFlow.js backend that trains simulated clients
 * @throws UserError if the interpreter cannot be started or lacks the package
 */
export async function openPythonPlace(
  prepared: PreparedTrial,
  clients: PythonClients,
  backend: string,
  { hosts: count = 1, ...options }: PythonPlaceOptions,
): Promise<TrialPlace> {
  const { clientIds, external, outside } = prepared;
  const python = withOptions(clients, options);
  await checkInterpreter(python.interpreter);
  const processes = new Processes();
  const pool = await SocketPool.listen({
    ...hostedTrial(prepared),
    tokens: { secret: processes.token },
    backend,
    softwareVersion: version,
  });
  const simulated = clientIds.length - external.size;
  const plugins = [...new Set(outside.flatMap(({ module = [] }) => module))];
  const hosts: Hosts = {
    ...(simulated > 0 && { simulated: { clients: simulated, count: 1, plugins, backend } }),
    python: { ...python, clients: external.size, count: Math.min(count, external.size) },
  };
  const over = new AbortController();
  const kept = keepHosts(processes, hosts, Promise.resolve(pool.url), over.signal);
  const close = async () => {
    over.abort();
    await pool.close();
    await Promise.race([processes.ended(), delay(farewell, undefined, { ref: false })]);
    processes.close();
  };
  return {
    pool: withHosts(pool, kept, close),
    server: watchServer(prepared, backend),
    backend: () => pool.backend,
  };
}

/** A pool that also fails when one of its hosts cannot be kept, and that closes them. */
function withHosts(
  pool: SocketPool,
  kept: readonly Promise<HostFailure>[],
  close: () => Promise<void>,
): ClientPool {
  return {
    ready: async (signal) => {
      const failing = kept.map(async (host) => {
        const failure = await host;
        if (failure === undefined) await new Promise(() => undefined);
        throw lostHosts([failure], "a client host ended, see above");
      });
      await Promise.race([pool.ready(signal), ...failing]);
    },
    ask: (jobs, admit, signal) => pool.ask(jobs, admit, signal),
    close,
  };
}
