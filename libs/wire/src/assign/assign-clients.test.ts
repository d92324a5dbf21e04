import assert from "node:assert/strict";
import fc from "fast-check";
import { assignClients, type HostRoom } from "./assign-clients.js";

/** Indices of the clients of each host. */
function shares(count: number, hosts: readonly HostRoom[]): number[][] {
  const assigned = assignClients([...Array(count).keys()], hosts);
  return hosts.map((host) => [...assigned.keys()].filter((index) => assigned[index] === host));
}

/** The maximum number of clients that can have a place, computed by augmenting paths. */
function mostPlaced(count: number, hosts: readonly HostRoom[]): number {
  const places = hosts.flatMap(({ capacity, clients = [0, Infinity] }) =>
    Array.from({ length: capacity }, () => clients),
  );
  const held = new Map<number, number>();
  const settle = (client: number, tried: Set<number>): boolean =>
    places.some(([first, last], place) => {
      if (client < first || client > last || tried.has(place)) return false;
      tried.add(place);
      const other = held.get(place);
      if (other !== undefined && !settle(other, tried)) return false;
      held.set(place, client);
      return true;
    });
  return Array.from({ length: count }, (_, client) => settle(client, new Set())).filter(Boolean)
    .length;
}

const places = fc.array(
  fc.record({
    capacity: fc.integer({ min: 1, max: 5 }),
    clients: fc.option(
      fc.tuple(fc.nat(14), fc.nat(14)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
      { nil: undefined },
    ),
  }),
  { minLength: 1, maxLength: 6 },
);

describe("assignClients", () => {
  it("gives hosts without ranges shares in proportion to their capacities, in order", () => {
    const hosts: HostRoom[] = [{ capacity: 6 }, { capacity: 3, clients: [0, 99] }];
    assert.deepEqual(shares(6, hosts), [
      [0, 1, 2, 3],
      [4, 5],
    ]);
  });

  it("gives a host only clients in its range, and leaves it those that no other host may hold", () => {
    const any: HostRoom = { capacity: 4 };
    const low: HostRoom = { capacity: 4, clients: [0, 2] };
    const high: HostRoom = { capacity: 4, clients: [4, 5] };
    assert.deepEqual(shares(6, [any, low, high]), [
      [2, 3],
      [0, 1],
      [4, 5],
    ]);
    assert.deepEqual(shares(6, [low, high]), [
      [0, 1, 2],
      [4, 5],
    ]);
    assert.deepEqual(shares(3, [high]), [[]]);
  });

  it("divides the clients that two hosts may hold", () => {
    const hosts: HostRoom[] = [
      { capacity: 10, clients: [0, 5] },
      { capacity: 10, clients: [0, 5] },
      { capacity: 1, clients: [9, 9] },
    ];
    assert.deepEqual(shares(6, hosts), [[0, 1, 2], [3, 4, 5], []]);
  });

  it("assigns a subset of the clients by their indices among all", () => {
    const [any, high]: HostRoom[] = [{ capacity: 2 }, { capacity: 4, clients: [5, 9] }];
    assert.deepEqual(assignClients([2, 6, 7], [any as HostRoom, high as HostRoom]), [
      any,
      high,
      high,
    ]);
    assert.deepEqual(assignClients([6, 7], [high as HostRoom]), [high, high]);
    assert.deepEqual(assignClients([], []), []);
  });

  it("places as many clients as possible within ranges and capacities, the same way each time", () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 12 }), (hosts, count) => {
        const assigned = shares(count, hosts);
        assert.deepEqual(shares(count, hosts), assigned);
        for (const [i, { capacity, clients: [first, last] = [0, Infinity] }] of hosts.entries()) {
          const share = assigned[i] ?? [];
          assert.ok(share.length <= capacity);
          assert.ok(share.every((client) => client >= first && client <= last));
        }
        assert.equal(assigned.flat().length, mostPlaced(count, hosts));
      }),
    );
  });
});
