/** What a deal must know of a host. */
export interface Place {
  /** Clients that it takes at most. */
  readonly capacity: number;
  /** Indices of the first and the last client that it may be given; undefined: any. */
  readonly clients?: readonly [number, number] | undefined;
}

/**
 * Deals clients to hosts, the same way whenever they are the same: as many clients as can have a place, and no host more
 * of its capacity than is needed for that.
 * @param indices of the clients, ascending
 * @returns for each of them its host
 */
export function deal<Host extends Place>(
  indices: readonly number[],
  hosts: readonly Host[],
): readonly (Host | undefined)[] {
  const [from = 0, to = 0] = [indices[0], indices.at(-1)];
  const mayHaveAny = hosts.every(
    ({ clients: [first, last] = [from, to] }) => first <= from && last >= to,
  );
  return mayHaveAny ? dealShares(indices.length, hosts) : dealRanges(indices, hosts);
}

/** To each a run of clients, in order, whose length is its share of all capacity. */
function dealShares<Host extends Place>(count: number, hosts: readonly Host[]): Host[] {
  const room = hosts.reduce((sum, { capacity }) => sum + capacity, 0);
  const dealt = Math.min(count, room);
  let before = 0;
  return hosts.flatMap((host) => {
    const from = Math.floor((dealt * before) / room);
    before += host.capacity;
    return new Array<Host>(Math.floor((dealt * before) / room) - from).fill(host);
  });
}

/** Looks for the least part of their capacities with which hosts take as many clients as with all of it. */
function dealRanges<Host extends Place>(indices: readonly number[], hosts: readonly Host[]) {
  const steps = hosts.reduce((most, { capacity }) => Math.max(most, capacity), 0);
  const dealt = (step: number) =>
    fill(indices, hosts, ({ capacity }) => Math.ceil((capacity * step) / steps));
  const most = placed(dealt(steps));
  let [low, high] = [1, steps];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (placed(dealt(middle)) < most) low = middle + 1;
    else high = middle;
  }
  return dealt(high);
}

/** Each client in turn goes to the host whose range ends first (Glover 1967): no other order gives more clients a place. */
function fill<Host extends Place>(
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
    const place = open.find(
      ({ room, range: [first, last] }) => room > 0 && first <= index && index <= last,
    );
    if (place) place.room--;
    return place?.host;
  });
}

/** @returns how many clients have a host */
export function placed(hosts: readonly unknown[]): number {
  return hosts.filter((host) => host !== undefined).length;
}
