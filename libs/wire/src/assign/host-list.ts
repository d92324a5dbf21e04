import { printable, type HostStatus } from "@fedclair/core/internal";
import type { HostSession } from "./host-session.js";
import type { HostRegistry } from "./host-registry.js";

interface Entry extends Pick<HostStatus, "name" | "address" | "version" | "joined" | "returns"> {
  readonly session: HostSession;
  lag: HostStatus["lag"];
  lost: HostStatus["lost"];
}

/** The part of a socket that reports its heartbeats. */
interface Heartbeats {
  on(event: "packetCreate" | "packet", listener: (packet: { readonly type: string }) => void): void;
}

/** Number of lost hosts to remember: hosts may join and leave again for ever. */
const maxLost = 64;

/** Number of ranges of clients to list for a host. */
const maxRanges = 8;

/** Remembers hosts, also lost ones, for pages. */
export class HostList {
  readonly #registry: HostRegistry;
  readonly #entries = new Map<HostSession, Entry>();
  #count = 0;

  constructor(registry: HostRegistry) {
    this.#registry = registry;
  }

  /** A host that was lost and comes back keeps its place and name. */
  joined(session: HostSession, version: string, address: string): void {
    this.#count++;
    const before = [...this.#entries.values()].find(
      (entry) => entry.lost && session.origin !== "" && entry.session.origin === session.origin,
    );
    if (before) this.#entries.delete(before.session);
    this.#entries.set(session, {
      name: before?.name ?? session.claims?.host ?? `host ${this.#count}`,
      address,
      version,
      joined: new Date().toISOString(),
      session,
      lag: undefined,
      lost: undefined,
      returns: before ? before.returns + 1 : 0,
    });
  }

  /** Formats a host that has joined as `host 2 (127.0.0.1)`. */
  describe(session: HostSession): string {
    const { name = "a host", address = "" } = this.#entries.get(session) ?? {};
    return printable(`${name} (${address})`, 200);
  }

  /** Times the heartbeats of a host's connection. */
  measureLag(session: HostSession, socket: Heartbeats): void {
    let sent: number | undefined;
    socket.on("packetCreate", ({ type }) => {
      if (type === "ping") sent = performance.now();
    });
    socket.on("packet", ({ type }) => {
      const entry = this.#entries.get(session);
      if (type !== "pong" || sent === undefined || !entry) return;
      session.channel.lastSeen = Date.now();
      entry.lag = performance.now() - sent;
      sent = undefined;
    });
  }

  lost(session: HostSession, reason: string): void {
    const entry = this.#entries.get(session);
    if (!entry) return;
    entry.lost = { at: new Date().toISOString(), reason: printable(reason, 200) };
    const lost = [...this.#entries.values()].filter((one) => one.lost);
    const [oldest] = lost;
    if (oldest && lost.length > maxLost) this.#entries.delete(oldest.session);
  }

  /** @param openJobs number of unanswered jobs by host */
  list(openJobs: ReadonlyMap<HostSession, number>): HostStatus[] {
    const held = this.#registry.heldClients();
    return [...this.#entries.values()].map(({ session, ...entry }) => {
      const { channel, capacity, external } = session;
      const clients = held.get(session) ?? [];
      return {
        ...entry,
        external,
        capacity,
        clients: formatRanges(clients, this.#registry.clientIds),
        clientCount: clients.length,
        openJobs: openJobs.get(session) ?? 0,
        bytesSent: channel.bytesSent,
        bytesReceived: channel.bytesReceived,
        lastSeen: new Date(channel.lastSeen).toISOString(),
      };
    });
  }
}

/** Formats clients as `c00-c04, c07`. @param indices in ascending order */
export function formatRanges(indices: readonly number[], ids: readonly string[]): string {
  const ranges: [number, number][] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  const texts = ranges
    .slice(0, maxRanges)
    .map(([from, to]) => [...new Set([ids[from] ?? "", ids[to] ?? ""])].join("-"));
  return [...texts, ...(ranges.length > maxRanges ? ["…"] : [])].join(", ");
}
