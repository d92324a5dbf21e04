import assert from "node:assert/strict";
import fc from "fast-check";
import { SharedBases } from "../send/shared-bases.js";
import { HostSession } from "./host-session.js";
import { HostRegistry } from "./host-registry.js";

const host = (capacity: number, ready = true, external = false, instance = "") => {
  const session = new HostSession({} as never, { capacity, external, instance }, new SharedBases());
  session.ready = ready;
  return session;
};
const ids = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

/** The clients of each host. */
function assigned(registry: HostRegistry, clientIds: readonly string[]) {
  const hosts = registry.assign(clientIds);
  return registry.sessions.map((session) => clientIds.filter((id) => hosts.get(id) === session));
}

describe("HostRegistry", () => {
  it("assigns clients by capacity, and again when a host joins or leaves", () => {
    const clients = ids(6);
    const registry = new HostRegistry(clients);
    const [first, second] = [host(6), host(3)];
    registry.add(first);
    assert.deepEqual(assigned(registry, clients), [clients]);
    registry.add(second);
    registry.add(host(100, false));
    assert.deepEqual(assigned(registry, clients), [["c0", "c1", "c2", "c3"], ["c4", "c5"], []]);
    assert.equal(registry.remove(first), 4);
    assert.deepEqual(registry.unplacedClients, ["c3", "c4", "c5"]);
    assert.deepEqual(assigned(registry, clients), [["c0", "c1", "c2"], []]);
  });

  it("deals the clients that are asked, whatever the others are", () => {
    const clients = ids(100);
    const registry = new HostRegistry(clients, new Set(["c9"]));
    for (const session of [host(99), host(99), host(1, true, true)]) registry.add(session);
    assert.deepEqual(assigned(registry, ["c7", "c1", "c9", "c3", "c5", "c1"]), [
      ["c1", "c3", "c1"],
      ["c7", "c5"],
      ["c9"],
    ]);
    assert.deepEqual(assigned(registry, ["c99"]), [["c99"], [], []]);
    assert.deepEqual(assigned(registry, []), [[], [], []]);

    const small = new HostRegistry(clients);
    small.add(host(2));
    // It has no room for the others, so they are lost even while it has nothing else to do.
    assert.deepEqual(assigned(small, ["c0", "c2"]), [["c0"]]);
  });

  it("gives external clients to hosts that bring their own, and only to those", () => {
    const clients = ids(6);
    const registry = new HostRegistry(clients, new Set(["c1", "c4", "c5"]));
    const [simulating, bringing] = [host(6), host(2, true, true)];
    registry.add(simulating);
    assert.deepEqual(registry.unplacedClients, ["c1", "c4", "c5"]);
    registry.add(bringing);
    assert.deepEqual(assigned(registry, clients), [
      ["c0", "c2", "c3"],
      ["c1", "c4"],
    ]);
    assert.deepEqual(registry.unplacedClients, ["c5"]);
  });

  it("gives a host that broke twice only the clients that others have no room for, longer each time", () => {
    const clients = ids(4);
    const registry = new HostRegistry(clients);
    const steady = host(3);
    registry.add(steady);
    const pauses = [1, 2, 3, 4, 5, 6].map(() => {
      const flapping = host(5, true, false, "flapping");
      registry.add(flapping);
      let calls = 1;
      while (assigned(registry, clients)[1]?.length === 1) calls++;
      assert.deepEqual(assigned(registry, clients)[1], ["c2", "c3"]); // its share of 3 + 5
      registry.remove(flapping);
      return calls;
    });
    assert.deepEqual(pauses, [1, 1, 32, 128, 512, 512]);
    assert.deepEqual(registry.unplacedClients, ["c3"]);
  });

  it("forgets a break in time, and does not count a break of a host without clients", () => {
    const clients = ids(2);
    const registry = new HostRegistry(clients);
    registry.add(host(2));
    const share = (session: HostSession) => {
      registry.add(session);
      const [, clientsOf] = assigned(registry, clients);
      registry.remove(session);
      return clientsOf?.length;
    };
    const flapping = () => host(2, true, false, "flapping");
    for (let call = 0; call < 3 * 34; call++) {
      if (call % 34 === 0) assert.equal(share(flapping()), 1);
      else registry.assign(clients);
    }
    assert.equal(share(flapping()), 1);
    assert.equal(share(flapping()), 1);
    assert.equal(share(flapping()), 0);
    assert.equal(share(host(2, true, false, "other")), 1);
    for (const who of ["", "", ""]) assert.equal(share(host(2, true, false, who)), 1);
  });

  it("does not leave a client without a host because of a host that broke", () => {
    const clients = ids(2);
    const registry = new HostRegistry(clients);
    const ranged = (range: [number, number], name: string) => {
      const claims = { host: name, clients: range } as never;
      const join = { capacity: 1, external: false, instance: "" };
      const session = new HostSession({} as never, join, new SharedBases(), claims);
      session.ready = true;
      return session;
    };
    registry.add(ranged([0, 1], "wide"));
    let hosts = registry.assign(clients);
    for (const narrow of [1, 2, 3].map(() => ranged([0, 0], "narrow"))) {
      const before = registry.findByName("narrow");
      if (before) registry.remove(before);
      registry.add(narrow);
      hosts = registry.assign(clients);
    }
    assert.deepEqual(
      clients.map((id) => hosts.get(id)?.claims?.host),
      ["narrow", "wide"],
    );
  });

  it("gives each host its share, and at most its capacity", () => {
    const capacities = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(capacities, fc.integer({ min: 1, max: 200 }), (sizes, count) => {
        const clients = ids(count);
        const registry = new HostRegistry(clients);
        for (const size of sizes) registry.add(host(size));
        const room = sizes.reduce((a, b) => a + b, 0);
        const shares = assigned(registry, clients);
        assert.deepEqual(shares.flat(), clients.slice(0, room));
        for (const [i, share] of shares.entries()) {
          const size = sizes[i] ?? 0;
          assert.ok(share.length <= size);
          assert.ok(Math.abs(share.length - (Math.min(count, room) * size) / room) < 1);
        }
        assert.equal(registry.unplacedClients.length, Math.max(count - room, 0));
      }),
    );
  });
});
