/** A client host that has joined, or that was lost. */
export interface HostStatus {
  /** The name in its token, or else the order in which it joined. */
  readonly name: string;
  readonly address: string;
  /** Its release of fedclair. */
  readonly version: string;
  readonly external: boolean;
  readonly capacity: number;
  /** The clients that it holds, as ranges like `c00-c14`. */
  readonly clients: string;
  readonly clientCount: number;
  /** Jobs that were sent to it and that it has not answered. */
  readonly openJobs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Time for a heartbeat to get there and back, in ms; undefined before the first one. */
  readonly lag?: number | undefined;
  /** ISO 8601. */
  readonly joined: string;
  readonly lastSeen: string;
  /** When and why the connection ended. */
  readonly lost?: { readonly at: string; readonly reason: string } | undefined;
  /** How often a host with this name was lost before it joined again. */
  readonly returns: number;
}
