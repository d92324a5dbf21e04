import { clientIndex } from "@fedclair/core/internal";
import { ConnectionFailures } from "./connection-failures.js";
import { assignClients, countAssigned } from "./assign-clients.js";
import type { HostSession } from "./host-session.js";

/** The host of each client in a list. */
type Hosts = readonly (HostSession | undefined)[];

/** Clients that are simulated, or that hosts of their own bring, by index. */
interface Kind {
  readonly external: boolean;
  readonly indices: readonly number[];
}

/** The properties of a host that decide which clients it gets. */
interface Candidate {
  readonly session: HostSession;
  readonly isUnstable: boolean;
}

/** Tracks which hosts have joined, and assigns clients to them. */
export class HostRegistry {
  readonly clientIds: readonly string[];
  readonly #external: ReadonlySet<string>;
  /**
   * Indices of the simulated clients and of the external ones; each kind needs hosts of its own.
   */
  readonly #kinds: readonly Kind[];
  /**
   * Hosts in the order in which they joined, with the call of `ask` from which they are no longer
   * unstable.
   */
  readonly #sessions = new Map<HostSession, number>();
  readonly #failures = new ConnectionFailures();
  /** The host of every client. */
  #holders: Hosts = [];
  /** What `heldClients` computed for an assignment: with a million clients it takes a while. */
  #held: {
    readonly holders: Hosts;
    readonly clients: ReadonlyMap<HostSession, readonly number[]>;
  } = { holders: this.#holders, clients: new Map() };
  /** The last assignment and the hosts that took part in it. */
  #last: { readonly hosts: readonly Candidate[]; readonly assigned: Hosts } = {
    hosts: [],
    assigned: [],
  };

  /** @param external clients that are not simulated */
  constructor(clientIds: readonly string[], external: ReadonlySet<string> = new Set()) {
    this.clientIds = clientIds;
    this.#external = external;
    this.#kinds = [false, true].map((kind) => ({
      external: kind,
      indices: [...clientIds.keys()].filter((i) => external.has(clientIds[i] ?? "") === kind),
    }));
  }

  get sessions(): readonly HostSession[] {
    return [...this.#sessions.keys()];
  }

  /** The kinds of clients in the trial: simulated ones (`false`) and external ones (`true`). */
  get kinds(): readonly boolean[] {
    return this.#kinds.flatMap(({ external, indices }) => (indices.length > 0 ? external : []));
  }

  /** Clients for which no ready host has room. */
  get unplacedClients(): readonly string[] {
    const assigned = this.#assigned();
    return this.clientIds.filter((_, index) => !assigned[index]);
  }

  /** Whether the client is external, that is, not simulated. */
  isExternal(clientId: string): boolean {
    return this.#external.has(clientId);
  }

  /** Lists the clients of each host by index, in order. */
  heldClients(): ReadonlyMap<HostSession, readonly number[]> {
    if (this.#held.holders !== this.#holders) {
      const clients = new Map<HostSession, number[]>();
      this.#holders.forEach((session, index) => {
        if (!session) return;
        const own = clients.get(session);
        if (own) own.push(index);
        else clients.set(session, [index]);
      });
      this.#held = { holders: this.#holders, clients };
    }
    return this.#held.clients;
  }

  add(session: HostSession): void {
    this.#sessions.set(session, this.#failures.until(session.origin));
  }

  has(session: HostSession): boolean {
    return this.#sessions.has(session);
  }

  /** The host with that name in its signed token. */
  findByName(host: string): HostSession | undefined {
    return this.sessions.find(({ claims }) => claims?.host === host);
  }

  /** @returns how many clients it held; they now have no host */
  remove(session: HostSession): number {
    const isUnstable = this.#isUnstable(session);
    this.#sessions.delete(session);
    const held = this.#holders.filter((holder) => holder === session).length;
    this.#holders = this.#holders.map((holder) => (holder === session ? undefined : holder));
    if (session.origin && (held > 0 || isUnstable)) this.#failures.count(session.origin);
    return held;
  }

  /**
   * Assigns clients to the ready hosts, in the order in which these joined, in proportion to
   * capacity and only where a host's token allows it. Hosts keep nothing between jobs, so a host
   * that joins late gets its share. Hosts whose connection broke come last for a while: they get
   * only the clients for which others have no room.
   * @param clientIds the clients that are asked
   * @returns the host of each client that has a place if all clients are assigned
   */
  assign(clientIds: readonly string[]): ReadonlyMap<string, HostSession> {
    this.#failures.nextCall();
    this.#holders = this.#assigned();
    const placed = [...new Set(clientIds)]
      .map((id) => clientIndex(this.clientIds, id))
      .filter((index) => this.#holders[index])
      .sort((a, b) => a - b);
    const kinds = [false, true].map((external) => ({
      external,
      indices: placed.filter((index) => this.#holders[index]?.external === external),
    }));
    const assigned = new Map<string, HostSession>();
    assignKinds(kinds, this.#last.hosts, (index, session) => {
      assigned.set(this.clientIds[index] ?? "", session);
    });
    return assigned;
  }

  /**
   * Reuses the last assignment while the hosts are the same: with a million clients a new one takes
   * longer than a round.
   */
  #assigned(): Hosts {
    const hosts = this.sessions
      .filter(({ ready }) => ready)
      .map((session) => ({ session, isUnstable: this.#isUnstable(session) }));
    if (!isSame(hosts, this.#last.hosts)) this.#last = { hosts, assigned: this.#assignAll(hosts) };
    return this.#last.assigned;
  }

  #assignAll(hosts: readonly Candidate[]): Hosts {
    const assigned = new Array<HostSession | undefined>(this.clientIds.length).fill(undefined);
    assignKinds(this.#kinds, hosts, (index, session) => (assigned[index] = session));
    return assigned;
  }

  #isUnstable(session: HostSession): boolean {
    return !this.#failures.isOver(this.#sessions.get(session) ?? 0);
  }
}

/**
 * Assigns clients to the hosts for their kind.
 * @param place receives each client that has a host
 */
function assignKinds(
  kinds: readonly Kind[],
  hosts: readonly Candidate[],
  place: (index: number, session: HostSession) => void,
): void {
  for (const { external, indices } of kinds) {
    const able = hosts.filter(({ session }) => session.external === external);
    const hosted = assignStableFirst(indices, able);
    indices.forEach((index, at) => {
      const session = hosted[at];
      if (session) place(index, session);
    });
  }
}

function isSame(some: readonly Candidate[], others: readonly Candidate[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ session, isUnstable }, i) => {
      const other = others[i];
      return session === other?.session && isUnstable === other.isUnstable;
    })
  );
}

function assignStableFirst(indices: readonly number[], hosts: readonly Candidate[]): Hosts {
  const sessionsWith = (unstable: boolean) =>
    hosts.filter(({ isUnstable }) => isUnstable === unstable).map(({ session }) => session);
  const able = hosts.map(({ session }) => session);
  const stable = sessionsWith(false);
  const together = assignClients(indices, able);
  if (stable.length === able.length) return together;
  const first = assignClients(indices, stable);
  const unplacedClients = indices.filter((_, at) => !first[at]);
  const last = assignClients(unplacedClients, sessionsWith(true)).values();
  const byStability = indices.map((_, at) => first[at] ?? last.next().value);
  // If tokens allow only some clients, a host that is served first may take the only place of
  // another host's client.
  return countAssigned(byStability) < countAssigned(together) ? together : byStability;
}
