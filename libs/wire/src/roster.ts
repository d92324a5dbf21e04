import { Breaks } from "./breaks.js";
import { deal, placed } from "./deal.js";
import type { HostSession } from "./host-session.js";

/** Of some clients, one after another. */
type Hosts = readonly (HostSession | undefined)[];

/** Which host holds which clients. */
export class Roster {
  readonly clientIds: readonly string[];
  readonly #external: ReadonlySet<string>;
  /** Indices of the clients that are simulated, and of those that are not, each for hosts of their own. */
  readonly #kinds: readonly { readonly external: boolean; readonly indices: readonly number[] }[];
  /** In the order in which the hosts joined, with the call of `ask` from which on they are as good as any other. */
  readonly #sessions = new Map<HostSession, number>();
  readonly #breaks = new Breaks();
  #holder: ReadonlyMap<string, HostSession> = new Map();

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
    return this.clientIds.filter((id) => !dealt.has(id));
  }

  /** Is it none of the simulated ones? */
  isExternal(clientId: string): boolean {
    return this.#external.has(clientId);
  }

  holder(clientId: string): HostSession | undefined {
    return this.#holder.get(clientId);
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
    const rest = [...this.#holder].filter(([, holder]) => holder !== session);
    const held = this.#holder.size - rest.length;
    this.#holder = new Map(rest);
    if (session.origin && (held > 0 || isSetBack)) this.#breaks.count(session.origin);
    return held;
  }

  /**
   * Deals the clients to the ready hosts, in the order in which those joined, each a share by its capacity, and only clients
   * that its token is for. Hosts keep nothing between jobs: it costs no more to deal anew than to leave things as they are,
   * and one that came late gets its share. Hosts that broke come last for a while: they are dealt those for whom others have no room.
   */
  deal(): void {
    this.#breaks.next();
    this.#holder = this.#dealt();
  }

  #dealt(): ReadonlyMap<string, HostSession> {
    const dealt = new Map<string, HostSession>();
    for (const { external, indices } of this.#kinds) {
      const able = this.sessions.filter((one) => one.ready && one.external === external);
      for (const [at, host] of this.#inTurn(indices, able).entries()) {
        const id = this.clientIds[indices[at] ?? -1];
        if (host && id !== undefined) dealt.set(id, host);
      }
    }
    return dealt;
  }

  #inTurn(indices: readonly number[], able: readonly HostSession[]): Hosts {
    const asOne = deal(indices, able);
    const steady = able.filter((one) => !this.#isSetBack(one));
    if (steady.length === able.length) return asOne;
    const first = deal(indices, steady);
    const homeless = indices.filter((_, at) => !first[at]);
    const last = deal(
      homeless,
      able.filter((one) => this.#isSetBack(one)),
    ).values();
    const inTurn = indices.map((_, at) => first[at] ?? last.next().value);
    // With tokens for some clients alone, who chooses first may take the only place of another.
    return placed(inTurn) < placed(asOne) ? asOne : inTurn;
  }

  #isSetBack(session: HostSession): boolean {
    return !this.#breaks.isOver(this.#sessions.get(session) ?? 0);
  }
}
