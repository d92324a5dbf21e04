/** The properties of a host that decide which clients it can hold. */
export interface HostRoom {
  /** Maximum number of clients. */
  readonly capacity: number;
  /** Indices of the first and the last client that it may hold; undefined: any. */
  readonly clients?: readonly [number, number] | undefined;
}

/**
 * Assigns clients to hosts. The same clients and hosts always give the same result. As many clients
 * as possible get a place, and no host uses a larger share of its capacity than that requires.
 * @param indices of the clients, ascending
 * @returns the host of each client
 */
export function assignClients<Host extends HostRoom>(
  indices: readonly number[],
  hosts: readonly Host[],
): readonly (Host | undefined)[] {
  const [from = 0, to = 0] = [indices[0], indices.at(-1)];
  const mayHaveAny = hosts.every(
    ({ clients: [first, last] = [from, to] }) => first <= from && last >= to,
  );
  return mayHaveAny ? assignShares(indices.length, hosts) : assignRanges(indices, hosts);
}

/** Gives each host a run of clients, in order, whose length is its share of the total capacity. */
function assignShares<Host extends HostRoom>(count: number, hosts: readonly Host[]): Host[] {
  const room = hosts.reduce((sum, { capacity }) => sum + capacity, 0);
  const assigned = Math.min(count, room);
  let before = 0;
  return hosts.flatMap((host) => {
    const from = Math.ceil((assigned * before) / room);
    before += host.capacity;
    return new Array<Host>(Math.ceil((assigned * before) / room) - from).fill(host);
  });
}

/**
 * Searches for the smallest share of their capacities with which the hosts hold as many clients as
 * with all of it.
 */
function assignRanges<Host extends HostRoom>(indices: readonly number[], hosts: readonly Host[]) {
  const steps = hosts.reduce((most, { capacity }) => Math.max(most, capacity), 0);
  const assigned = (step: number) =>
    fill(indices, hosts, ({ capacity }) => Math.ceil((capacity * step) / steps));
  const most = countAssigned(assigned(steps));
  let [low, high] = [1, steps];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (countAssigned(assigned(middle)) < most) low = middle + 1;
    else high = middle;
  }
  return assigned(high);
}

/**
 * Assigns each client in turn to the host whose range ends first (Glover 1967): no other order
 * places more clients.
 */
function fill<Host extends HostRoom>(
  indices: readonly number[],
  hosts: readonly Host[],
  takes: (host: Host) => number,
): (Host | undefined)[] {
  const open = hosts
    .map((host) => ({ host, room: takes(host), range: host.clients ?? [0, Infinity] }))
    .sort((one, other) =>
      one.range[1] < other.range[1] ? -1 : Number(one.range[1] > other.range[1]),
    );
  return indices.map((index) => {
    const host = open.find(
      ({ room, range: [first, last] }) => room > 0 && first <= index && index <= last,
    );
    if (host) host.room--;
    return host?.host;
  });
}

/** @returns how many clients have a host */
export function countAssigned(hosts: readonly unknown[]): number {
  return hosts.filter((host) => host !== undefined).length;
}
