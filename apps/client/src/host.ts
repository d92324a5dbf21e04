import { createLog, interruption, readCertificates, readToken } from "@fedclair/runs/host";
import type { BackendChoice } from "@fedclair/compute";
import { EndedClients } from "./ended-clients.js";
import { joinTrial } from "./join-trial.js";

export interface HostOptions {
  readonly coordinator: string;
  readonly capacity: number;
  readonly backend: BackendChoice;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Plug-in modules that this host's operator allows. */
  readonly plugins: readonly string[];
}

/** `fedclair client`: joins a coordinator and trains until the trial is over. */
export async function host(options: HostOptions): Promise<void> {
  const { coordinator, capacity, backend, plugins } = options;
  let at: { readonly trial?: string; readonly round?: number } = {};
  const log = createLog("client", () => at);
  const ended = new EndedClients();
  const { reason, exitCode, jobs, tensors } = await joinTrial({
    coordinator,
    capacity,
    backend,
    plugins,
    token: readToken(options.tokenFile),
    tls: readCertificates({
      ca: ["--tls-ca", options.tlsCa],
      cert: ["--tls-cert", options.tlsCert],
      key: ["--tls-key", options.tlsKey],
    }),
    signal: interruption.signal,
    log,
    onPlace: (place) => {
      at = place;
    },
    findEnded: (clientId) => ended.find(clientId),
  });
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  log.info(
    `${reason}: ${jobs} jobs, ${tensors.first} tensors after the first and ${tensors.last} after the last, peak memory ${peak} MiB`,
  );
  process.exitCode = exitCode;
  // `fedclair run` restarts hosts that end without this message. Errors are ignored, because it may
  // have ended.
  if (!interruption.signal.aborted) process.send?.({ ended: reason }, () => undefined);
}
