import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Limits } from "./codec/reply.js";
import type { ListenSecurity } from "./join/exposure.js";
import type { HostRequirements } from "./join/join-policy.js";
import type { LogLine } from "./join/limited-log.js";
import type { JoinPage } from "./join/listen.js";

/** Options of a coordinator's end of a trial. */
export interface SocketPoolOptions extends ListenSecurity, HostRequirements, Partial<Limits> {
  /** All clients of the trial, in order. */
  readonly clientIds: readonly string[];
  /** Clients that are not simulated and belong to hosts that bring their own. Default: none. */
  readonly external?: ReadonlySet<string>;
  /** The resolved trial, which is sent to the hosts. */
  readonly trialJson: string;
  /** Address to listen on. Default: 127.0.0.1, which only this machine can reach. */
  readonly host?: string;
  /** Port to listen on. Default: 0, any free port. */
  readonly port?: number;
  /** The release of this coordinator, with which those of hosts are compared. Default: none. */
  readonly softwareVersion?: string;
  /**
   * The server to use; it answers requests that are not for the websocket, and is closed together
   * with the pool.
   */
  readonly server?: HttpServer | HttpsServer;
  /** The page on which browser tabs join. Default: none, and no browser can connect. */
  readonly page?: JoinPage;
  /** Receives a sentence when a host joins, is refused or is lost. */
  readonly log?: LogLine;
}
