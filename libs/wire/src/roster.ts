import { clientIndex } from "@fedclair/core/internal";
import { Breaks } from "./breaks.js";
import { deal, placed } from "./deal.js";
import type { HostSession } from "./host-session.js";

/** Of some clients, one after another. */
type Hosts = readonly (HostSession | undefined)[];

/** What of a host decides who is dealt to it. */
interface Dealt {
  readonly session: HostSession;
  readonly isSetBack: boolean;
}

/** Which host holds which clients. */
export class Roster {
  readonly clientIds: readonly string[];
  readonly #external: ReadonlySet<string>;
  /** Indices of the clients that are simulated, and of those that are not, each for hosts of their own. */
  readonly #kinds: readonly { readonly external: boolean; readonly indices: readonly number[] }[];
  /** In the order in which the hosts joined, with the call of `ask` from which on they are as good as any other. */
  readonly #sessions = new Map<HostSession, number>();
  readonly #breaks = new Breaks();
  /** Of every client. */
  #holders: Hosts = [];
  /** The last deal, and the hosts that it was among. */
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

  /** Of which there are clients: simulated ones (`false`), and others. */
  get kinds(): readonly boolean[] {
    return this.#kinds.flatMap(({ external, indices }) => (indices.length > 0 ? external : []));
  }

  /** Clients for which no ready host has room. */
  get homeless(): readonly string[] {
    const dealt = this.#dealt();
    return this.clientIds.filter((_, index) => !dealt[index]);
  }

  /** Is it none of the simulated ones? */
  isExternal(clientId: string): boolean {
    return this.#external.has(clientId);
  }

  holder(clientId: string): HostSession | undefined {
    return this.#holders[clientIndex(this.clientIds, clientId)];
  }

  add(session: HostSession): void {
    this.#sessions.set(session, this.#breaks.until(session.origin));
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
    const isSetBack = this.#isSetBack(session);
    this.#sessions.delete(session);
    const held = this.#holders.filter((holder) => holder === session).length;
    this.#holders = this.#holders.map((holder) => (holder === session ? undefined : holder));
    if (session.origin && (held > 0 || isSetBack)) this.#breaks.count(session.origin);
    return held;
  }

  /**
   * Deals the clients to the ready hosts, in the order in which those joined, each a share by its capacity, and only clients
   * that its token is for. Hosts keep nothing between jobs, so that one that came late gets its share. Hosts that broke come last for a while: they are dealt those for whom others have no room.
   */
  deal(): void {
    this.#breaks.next();
    this.#holders = this.#dealt();
  }

  /** The last deal still, while the hosts are the same: with a million clients one takes longer than a round. */
  #dealt(): Hosts {
    const hosts = this.sessions
      .filter(({ ready }) => ready)
      .map((session) => ({ session, isSetBack: this.#isSetBack(session) }));
    if (!isSame(hosts, this.#last.hosts)) this.#last = { hosts, dealt: this.#dealAmong(hosts) };
    return this.#last.dealt;
  }

  #dealAmong(hosts: readonly Dealt[]): Hosts {
    const dealt = new Array<HostSession | undefined>(this.clientIds.length).fill(undefined);
    for (const { external, indices } of this.#kinds) {
      const able = hosts.filter(({ session }) => session.external === external);
      const turns = inTurn(indices, able);
      indices.forEach((index, at) => (dealt[index] = turns[at]));
    }
    return dealt;
  }

  #isSetBack(session: HostSession): boolean {
    return !this.#breaks.isOver(this.#sessions.get(session) ?? 0);
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

function inTurn(indices: readonly number[], hosts: readonly Dealt[]): Hosts {
  const those = (setBack: boolean) =>
    hosts.filter(({ isSetBack }) => isSetBack === setBack).map(({ session }) => session);
  const able = hosts.map(({ session }) => session);
  const steady = those(false);
  const asOne = deal(indices, able);
  if (steady.length === able.length) return asOne;
  const first = deal(indices, steady);
  const homeless = indices.filter((_, at) => !first[at]);
  const last = deal(homeless, those(true)).values();
  const turns = indices.map((_, at) => first[at] ?? last.next().value);
  // With tokens for some clients alone, who chooses first may take the only place of another.
  return placed(turns) < placed(asOne) ? asOne : turns;
}
