import assert from "node:assert/strict";
import fc from "fast-check";
import { Bases } from "./bases.js";
import { HostSession } from "./host-session.js";
import { Roster } from "./roster.js";

const host = (capacity: number, ready = true, external = false) => {
  const session = new HostSession({} as never, { capacity, external }, new Bases());
  session.ready = ready;
  return session;
};
const ids = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

/** Of each host its clients. */
function dealt(roster: Roster, clientIds: readonly string[]) {
  roster.deal();
  return roster.sessions.map((session) => clientIds.filter((id) => roster.holder(id) === session));
}

describe("Roster", () => {
  it("deals clients by capacity, and anew when a host comes or goes", () => {
    const clients = ids(6);
    const roster = new Roster(clients);
    const [first, second] = [host(6), host(3)];
    roster.add(first);
    assert.deepEqual(dealt(roster, clients), [clients]);
    roster.add(second);
    roster.add(host(100, false));
    assert.deepEqual(dealt(roster, clients), [["c0", "c1", "c2", "c3"], ["c4", "c5"], []]);
    assert.equal(roster.remove(first), 4);
    assert.deepEqual(roster.homeless, ["c3", "c4", "c5"]);
    assert.equal(roster.holder("c0"), undefined);
    assert.deepEqual(dealt(roster, clients), [["c0", "c1", "c2"], []]);
  });

  it("gives clients that are not simulated to hosts that bring their own, and these no others", () => {
    const clients = ids(6);
    const roster = new Roster(clients, new Set(["c1", "c4", "c5"]));
    const [simulating, bringing] = [host(6), host(2, true, true)];
    roster.add(simulating);
    assert.deepEqual(roster.homeless, ["c1", "c4", "c5"]);
    roster.add(bringing);
    assert.deepEqual(dealt(roster, clients), [
      ["c0", "c2", "c3"],
      ["c1", "c4"],
    ]);
    assert.deepEqual(roster.homeless, ["c5"]);
  });

  it("gives no host more than it takes, and none less than its share", () => {
    const capacities = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(capacities, fc.integer({ min: 1, max: 200 }), (sizes, count) => {
        const clients = ids(count);
        const roster = new Roster(clients);
        for (const size of sizes) roster.add(host(size));
        const room = sizes.reduce((a, b) => a + b, 0);
        const shares = dealt(roster, clients);
        assert.deepEqual(shares.flat(), clients.slice(0, room));
        for (const [i, share] of shares.entries()) {
          const size = sizes[i] ?? 0;
          assert.ok(share.length <= size);
          assert.ok(Math.abs(share.length - (Math.min(count, room) * size) / room) < 1);
        }
        assert.equal(roster.homeless.length, Math.max(count - room, 0));
      }),
    );
  });
});
