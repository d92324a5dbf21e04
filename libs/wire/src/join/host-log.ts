import { printable, type Failure } from "@fedclair/core/internal";
import type { Join } from "../codec/host-message.js";
import { createLimitedLog, type LogLine } from "./limited-log.js";
import type { TokenClaims } from "./signed-token.js";

/** Maximum length of the description of a host, in bytes. */
const maxHostText = 200;

/** Number of lines about hosts logged at once: more than join at the start of a trial. */
const burst = 500;

/** The number of other releases to remember. */
const maxReleases = 16;

/** Logs when hosts join, are refused or are lost, and remembers other releases among them. */
export class HostLog {
  readonly #log: LogLine;
  readonly #logRefusal: LogLine;
  readonly #release: string;
  readonly #otherReleases = new Set<string>();

  /**
   * @param logRefusal a log that strangers cannot flood
   * @param release of the coordinator; empty if it is not compared
   */
  constructor(log: LogLine, logRefusal: LogLine, release: string) {
    this.#log = createLimitedLog(log, undefined, burst);
    this.#logRefusal = logRefusal;
    this.#release = release;
  }

  /** Releases other than the coordinator's of hosts that simulate clients. */
  get otherReleases(): readonly string[] {
    return [...this.#otherReleases].sort();
  }

  joined(join: Join, claims: TokenClaims | undefined): void {
    const { external, softwareVersion } = join;
    this.#log(`a ${formatHost(join, claims)} joined`, "info");
    if (this.#release === "" || external || softwareVersion === this.#release) return;
    if (this.#otherReleases.size === maxReleases) return;
    this.#otherReleases.add(softwareVersion);
    this.#log(
      `a host has release ${softwareVersion}, and this coordinator ${this.#release}: its numbers may differ; install the same release on both`,
      "warn",
    );
  }

  refused(join: Join, { code, message }: Failure): void {
    this.#logRefusal(`refused a ${formatHost(join)}: ${code}: ${message}`, "warn");
  }

  lost(claims: TokenClaims | undefined, clients: number, reason: string): void {
    const host = claims ? ` '${claims.host}'` : "";
    this.#log(`lost a host${host} with ${clients} clients: ${reason}`, "warn");
  }

  wasSilent(host: string, rounds: number): void {
    this.#log(`${host} answered nothing in ${rounds} rounds: it is cut off`, "warn");
  }
}

function formatHost(
  { backends, capacity, external, softwareVersion }: Join,
  claims?: TokenClaims,
): string {
  const name = claims ? `host '${claims.host}'` : "host";
  const room = `${capacity} ${capacity === 1 ? "client" : "clients"}${external ? " of its own" : ""}`;
  return printable(
    `${name} (${backends.join(" or ")}, room for ${room}, version ${softwareVersion})`,
    maxHostText,
  );
}
