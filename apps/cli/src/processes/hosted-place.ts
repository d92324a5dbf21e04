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

/** Which hosts a place has, and how they run. */
export interface HostedPlaceOptions extends PythonOptions {
  /** Number of hosts of each kind of client. Default: one for Python, none for simulated ones. */
  readonly hosts?: number | undefined;
  /** Number of Python hosts. Default: `hosts`. */
  readonly pythonHosts?: number | undefined;
}

/**
 * Opens the place of a trial whose clients run in processes of their own: this process coordinates,
 * and starts hosts for each kind of client.
 * @param clients the code of external clients in Python, if there are any
 * @param backend the TensorFlow.js backend that trains simulated clients
 * @throws UserError if the interpreter cannot be started or lacks the package
 */
export async function openHostedPlace(
  prepared: PreparedTrial,
  clients: PythonClients | undefined,
  backend: string,
  { hosts: count = 1, pythonHosts = count, ...options }: HostedPlaceOptions,
): Promise<TrialPlace> {
  const { clientIds, external, outside } = prepared;
  const python = clients && withOptions(clients, options);
  if (python) await checkInterpreter(python.interpreter);
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
    ...(simulated > 0 && {
      simulated: { clients: simulated, count: Math.min(count, simulated), plugins, backend },
    }),
    ...(python && {
      python: {
        ...python,
        clients: external.size,
        count: Math.min(pythonHosts, external.size),
      },
    }),
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
