import type { HostSession } from "./host-session.js";

/** Which host holds which clients. */
export class Roster {
  readonly #clientIds: readonly string[];
  /** In the order in which the hosts joined. */
  readonly #held = new Map<HostSession, Set<string>>();
  readonly #holder = new Map<string, HostSession>();

  constructor(clientIds: readonly string[]) {
    this.#clientIds = clientIds;
  }

  get sessions(): readonly HostSession[] {
    return [...this.#held.keys()];
  }

  get unassigned(): number {
    return this.#clientIds.length - this.#holder.size;
  }

  holder(clientId: string): HostSession | undefined {
    return this.#holder.get(clientId);
  }

  add(session: HostSession): void {
    this.#held.set(session, new Set());
  }

  /** @returns the clients that it held, now without a host */
  remove(session: HostSession): ReadonlySet<string> {
    const clientIds = this.#held.get(session) ?? new Set();
    this.#held.delete(session);
    for (const id of clientIds) this.#holder.delete(id);
    return clientIds;
  }

  /** Gives clients without a host, in their order, to the hosts that have room, in the order in which those joined. */
  assign(): void {
    if (this.unassigned === 0) return;
    const free = this.#clientIds.filter((id) => !this.#holder.has(id));
    for (const [session, held] of this.#held) {
      if (!session.ready) continue;
      for (const id of free.splice(0, session.capacity - held.size)) {
        held.add(id);
        this.#holder.set(id, session);
      }
    }
  }
}
