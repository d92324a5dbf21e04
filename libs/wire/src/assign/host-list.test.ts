import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { SharedBases } from "../send/shared-bases.js";
import { HostList, formatRanges } from "./host-list.js";
import { HostSession } from "./host-session.js";
import { HostRegistry } from "./host-registry.js";

const clientIds = ["c00", "c01", "c02", "c03", "c04"];

function session(capacity: number, instance = ""): HostSession {
  const channel = { bytesSent: 7, bytesReceived: 3, lastSeen: 0 };
  const made = new HostSession(
    channel as never,
    { capacity, external: false, instance },
    new SharedBases(),
  );
  made.ready = true;
  return made;
}

describe("HostList", () => {
  it("lists hosts with their clients and jobs, and a host that comes back under its name", () => {
    const registry = new HostRegistry(clientIds);
    const hosts = new HostList(registry);
    const join = (one: HostSession) => {
      registry.add(one);
      hosts.joined(one, "0.1.0", "10.0.0.1");
    };
    const [first, second] = [session(3, "a"), session(2, "b")];
    join(first);
    join(second);
    registry.assign([]);
    const brief = () =>
      hosts
        .list(new Map([[second, 4]]))
        .map((one) => [one.name, one.clients, one.openJobs, one.lost?.reason, one.returns]);
    assert.deepEqual(brief(), [
      ["host 1", "c00-c02", 0, undefined, 0],
      ["host 2", "c03-c04", 4, undefined, 0],
    ]);
    registry.remove(first);
    hosts.lost(first, "transport close");
    assert.deepEqual(brief()[0], ["host 1", "", 0, "transport close", 0]);
    join(session(3, "a"));
    registry.assign([]);
    assert.deepEqual(
      brief()
        .find(([name]) => name === "host 1")
        ?.slice(3),
      [undefined, 1],
    );
    assert.equal(hosts.list(new Map())[0]?.bytesSent, 7);
  });

  it("times the heartbeats of a host, and takes the answer as a sign of life", () => {
    const hosts = new HostList(new HostRegistry(clientIds));
    const host = session(1);
    hosts.joined(host, "0.1.0", "10.0.0.1");
    const socket = new EventEmitter();
    hosts.measureLag(host, socket);
    socket.emit("packet", { type: "pong" });
    assert.equal(hosts.list(new Map())[0]?.lag, undefined);
    socket.emit("packetCreate", { type: "ping" });
    socket.emit("packet", { type: "message" });
    assert.equal(hosts.list(new Map())[0]?.lag, undefined);
    socket.emit("packet", { type: "pong" });
    const [{ lag, lastSeen } = assert.fail("there is no host")] = hosts.list(new Map());
    assert.ok(lag !== undefined && lag >= 0 && lag < 10_000);
    assert.ok(Date.parse(lastSeen) > 0);
  });

  it("remembers no more than 64 lost hosts", () => {
    const hosts = new HostList(new HostRegistry(clientIds));
    for (let i = 0; i < 70; i++) {
      const host = session(1);
      hosts.joined(host, "0.1.0", "10.0.0.1");
      hosts.lost(host, "gone");
    }
    assert.equal(hosts.list(new Map()).length, 64);
  });
});

describe("formatRanges", () => {
  it("joins neighbours, and lists eight ranges", () => {
    assert.equal(formatRanges([0, 1, 2, 4], clientIds), "c00-c02, c04");
    assert.equal(formatRanges([], clientIds), "");
    const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
    const even = ids.flatMap((_, i) => (i % 2 === 0 ? i : []));
    assert.equal(formatRanges(even, ids), "c0, c2, c4, c6, c8, c10, c12, c14, …");
  });
});
