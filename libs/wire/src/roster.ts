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
    return Math.max(this.#clientIds.length - this.#room(), 0);
  }

  holder(clientId: string): HostSession | undefined {
    return this.#holder.get(clientId);
  }

  add(session: HostSession): void {
    this.#sessions.add(session);
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
   * Deals the clients to the ready hosts, in the order in which those joined, each a share by its capacity. Hosts keep nothing
   * between jobs: it costs no more to deal anew than to leave things as they are, and one that came late gets its share.
   */
  deal(): void {
    const room = this.#room();
    const clients = this.#clientIds.slice(0, room);
    const holder = new Map<string, HostSession>();
    let [before, from] = [0, 0];
    for (const session of this.#sessions) {
      if (!session.ready) continue;
      before += session.capacity;
      const to = Math.floor((clients.length * before) / room);
      for (const id of clients.slice(from, to)) holder.set(id, session);
      from = to;
    }
    this.#holder = holder;
  }

  #room(): number {
    return this.sessions.reduce((sum, { ready, capacity }) => sum + (ready ? capacity : 0), 0);
  }
}
