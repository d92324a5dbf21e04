import { deal } from "./deal.js";
import type { HostSession } from "./host-session.js";

/** Which host holds which clients. */
export class Roster {
  readonly #clientIds: readonly string[];
  /** In the order in which the hosts joined. */
  readonly #sessions = new Set<HostSession>();
  #holder: ReadonlyMap<string, HostSession> = new Map();

  constructor(clientIds: readonly string[]) {
    this.#clientIds = clientIds;
  }

  get sessions(): readonly HostSession[] {
    return [...this.#sessions];
  }

  /** Clients for which no ready host has room. */
  get homeless(): number {
    return this.#clientIds.length - this.#dealt().size;
  }

  holder(clientId: string): HostSession | undefined {
    return this.#holder.get(clientId);
  }

  add(session: HostSession): void {
    this.#sessions.add(session);
  }

  has(session: HostSession): boolean {
    return this.#sessions.has(session);
  }

  /** The host of that name, as signed tokens say it. */
  named(host: string): HostSession | undefined {
    return this.sessions.find(({ claims }) => claims?.host === host);
  }

  /** @returns how many clients it held, now without a host */
  remove(session: HostSession): number {
    this.#sessions.delete(session);
    const rest = [...this.#holder].filter(([, holder]) => holder !== session);
    const held = this.#holder.size - rest.length;
    this.#holder = new Map(rest);
    return held;
  }

  /**
   * Deals the clients to the ready hosts, in the order in which those joined, each a share by its capacity, and only clients
   * that its token is for. Hosts keep nothing between jobs: it costs no more to deal anew than to leave things as they are,
   * and one that came late gets its share.
   */
  deal(): void {
    this.#holder = this.#dealt();
  }

  #dealt(): ReadonlyMap<string, HostSession> {
    const ready = this.sessions.filter((session) => session.ready);
    const hosts = deal(this.#clientIds.length, ready);
    return new Map(
      this.#clientIds.flatMap((id, i) => {
        const host = hosts[i];
        return host ? [[id, host] as const] : [];
      }),
    );
  }
}
