import { clientIndex } from "@fedclair/core/internal";
import { Breaks } from "./connection-failures.js";
import { deal, countPlaced } from "./assign-clients.js";
import type { HostSession } from "./host-session.js";

/** The host of each client in a list. */
type Hosts = readonly (HostSession | undefined)[];

/** Clients that are simulated, or that hosts of their own bring, by index. */
interface Kind {
  readonly external: boolean;
  readonly indices: readonly number[];
}

/** The properties of a host that decide which clients it gets. */
interface Dealt {
  readonly session: HostSession;
  readonly isSetBack: boolean;
}

/** Tracks which hosts have joined, and deals clients to them. */
export class Roster {
  readonly clientIds: readonly string[];
  readonly #external: ReadonlySet<string>;
  /**
   * Indices of the simulated clients and of the external ones; each kind needs hosts of its own.
   */
  readonly #kinds: readonly Kind[];
  /**
   * Hosts in the order in which they joined, with the call of `ask` from which they are no longer
   * set back.
   */
  readonly #sessions = new Map<HostSession, number>();
  readonly #breaks = new Breaks();
  /** The host of every client. */
  #holders: Hosts = [];
  /** What `heldClients` computed for an assignment: with a million clients it takes a while. */
  #held: {
    readonly holders: Hosts;
    readonly clients: ReadonlyMap<HostSession, readonly number[]>;
  } = { holders: this.#holders, clients: new Map() };
  /** The last assignment and the hosts that took part in it. */
  #last: { readonly hosts: readonly Dealt[]; readonly dealt: Hosts } = { hosts: [], dealt: [] };

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
    const dealt = this.#dealt();
    return this.clientIds.filter((_, index) => !dealt[index]);
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
    this.#sessions.set(session, this.#breaks.until(session.origin));
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
    const isSetBack = this.#isSetBack(session);
    this.#sessions.delete(session);
    const held = this.#holders.filter((holder) => holder === session).length;
    this.#holders = this.#holders.map((holder) => (holder === session ? undefined : holder));
    if (session.origin && (held > 0 || isSetBack)) this.#breaks.count(session.origin);
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
  deal(clientIds: readonly string[]): ReadonlyMap<string, HostSession> {
    this.#breaks.next();
    this.#holders = this.#dealt();
    const placed = [...new Set(clientIds)]
      .map((id) => clientIndex(this.clientIds, id))
      .filter((index) => this.#holders[index])
      .sort((a, b) => a - b);
    const kinds = [false, true].map((external) => ({
      external,
      indices: placed.filter((index) => this.#holders[index]?.external === external),
    }));
    const dealt = new Map<string, HostSession>();
    dealKinds(kinds, this.#last.hosts, (index, session) => {
      dealt.set(this.clientIds[index] ?? "", session);
    });
    return dealt;
  }

  /**
   * Reuses the last assignment while the hosts are the same: with a million clients a new one takes
   * longer than a round.
   */
  #dealt(): Hosts {
    const hosts = this.sessions
      .filter(({ ready }) => ready)
      .map((session) => ({ session, isSetBack: this.#isSetBack(session) }));
    if (!isSame(hosts, this.#last.hosts)) this.#last = { hosts, dealt: this.#dealAmong(hosts) };
    return this.#last.dealt;
  }

  #dealAmong(hosts: readonly Dealt[]): Hosts {
    const dealt = new Array<HostSession | undefined>(this.clientIds.length).fill(undefined);
    dealKinds(this.#kinds, hosts, (index, session) => (dealt[index] = session));
    return dealt;
  }

  #isSetBack(session: HostSession): boolean {
    return !this.#breaks.isOver(this.#sessions.get(session) ?? 0);
  }
}

/** Deals clients to the hosts for their kind. @param place receives each client that has a host */
function dealKinds(
  kinds: readonly Kind[],
  hosts: readonly Dealt[],
  place: (index: number, session: HostSession) => void,
): void {
  for (const { external, indices } of kinds) {
    const able = hosts.filter(({ session }) => session.external === external);
    const turns = dealInTurns(indices, able);
    indices.forEach((index, at) => {
      const session = turns[at];
      if (session) place(index, session);
    });
  }
}

function isSame(some: readonly Dealt[], others: readonly Dealt[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ session, isSetBack }, i) => {
      const other = others[i];
      return session === other?.session && isSetBack === other.isSetBack;
    })
  );
}

function dealInTurns(indices: readonly number[], hosts: readonly Dealt[]): Hosts {
  const sessionsWith = (setBack: boolean) =>
    hosts.filter(({ isSetBack }) => isSetBack === setBack).map(({ session }) => session);
  const able = hosts.map(({ session }) => session);
  const stable = sessionsWith(false);
  const together = deal(indices, able);
  if (stable.length === able.length) return together;
  const first = deal(indices, stable);
  const unplacedClients = indices.filter((_, at) => !first[at]);
  const last = deal(unplacedClients, sessionsWith(true)).values();
  const turns = indices.map((_, at) => first[at] ?? last.next().value);
  // If tokens allow only some clients, a host that is served first may take the only place of
  // another host's client.
  return countPlaced(turns) < countPlaced(together) ? together : turns;
}
