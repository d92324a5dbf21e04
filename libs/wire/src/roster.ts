import type { HostSession } from "./host-session.js";

/** Which host holds which clients. */
export class Roster {
  readonly #clientIds: readonly string[];
  readonly #sessions = new Set<HostSession>();
  readonly #holder = new Map<string, HostSession>();

  constructor(clientIds: readonly string[]) {
    this.#clientIds = clientIds;
  }

  get sessions(): readonly HostSession[] {
    return [...this.#sessions];
  }

  get unassigned(): number {
    return this.#clientIds.length - this.#holder.size;
  }

  holder(clientId: string): HostSession | undefined {
    return this.#holder.get(clientId);
  }

  add(session: HostSession): void {
    this.#sessions.add(session);
  }

  /** @returns the clients that it held, now without a host */
  remove(session: HostSession): readonly string[] {
    this.#sessions.delete(session);
    const clientIds = this.#heldBy(session);
    for (const id of clientIds) this.#holder.delete(id);
    return clientIds;
  }

  /** Gives clients without a host, in their order, to the hosts that have room, in the order in which those joined. */
  assign(): void {
    const free = this.#clientIds.filter((id) => !this.#holder.has(id));
    for (const session of this.#sessions) {
      if (free.length === 0) return;
      if (!session.ready) continue;
      const room = session.capacity - this.#heldBy(session).length;
      for (const id of free.splice(0, room)) this.#holder.set(id, session);
    }
  }

  #heldBy(session: HostSession): readonly string[] {
    return this.#clientIds.filter((id) => this.#holder.get(id) === session);
  }
}
