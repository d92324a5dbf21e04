import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { attemptLimit } from "./rate-limit.js";
import { ConnectionGuard } from "./connection-guard.js";

describe("ConnectionGuard", () => {
  let server: Server;
  let guard: ConnectionGuard;
  const far: Socket[] = [];
  const near: Socket[] = [];

  const open = async (strangers: number, timeout = 60_000, perAddress = attemptLimit) => {
    server = createServer();
    guard = new ConnectionGuard(
      server,
      { connections: 1000, strangers, attempts: perAddress },
      timeout,
    );
    server.on("connection", (socket: Socket) => near.push(socket));
    await once(server.listen(0, "127.0.0.1"), "listening");
  };
  /**
   * Opens a connection that sends nothing.
   * @returns the socket, and a promise that resolves when it is cut
   */
  const enter = async (from = "127.0.0.1") => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: "127.0.0.1", localAddress: from });
    far.push(socket);
    const cut = new Promise<boolean>((resolve) => {
      socket.on("close", () => {
        resolve(true);
      });
    });
    const entered = once(server, "connection");
    socket.on("error", () => undefined);
    await entered;
    return { cut, socket };
  };
  const isOpen = ({ destroyed }: Socket) => !destroyed;
  const last = () => near.at(-1) ?? assert.fail("nobody came");

  afterEach(async () => {
    guard.close();
    for (const socket of far.splice(0)) socket.destroy();
    near.length = 0;
    server.close();
    await once(server, "close");
  });

  it("cuts a silent connection, but not a joined one", async () => {
    await open(10, 30);
    const joined = await enter();
    guard.markJoined(last());
    const silent = await enter();
    assert.ok(await silent.cut);
    assert.ok(isOpen(joined.socket));
  });

  it("cuts the oldest connection of the address with the most when there are too many", async () => {
    await open(3);
    const [first, other, second] = [await enter(), await enter("127.0.0.2"), await enter()];
    await enter();
    assert.ok(await first.cut);
    assert.ok(isOpen(second.socket) && isOpen(other.socket));
    guard.markJoined(near[2] ?? assert.fail());
    await enter();
    assert.ok(isOpen(second.socket), "it has joined");
  });

  it("rejects an address that sent too many wrong tokens, but no other address", async () => {
    await open(10);
    const other = await enter("127.0.0.2");
    const before = await enter();
    const guessing = await enter();
    for (let i = 0; i < 10; i++) guard.countWrongToken(last());
    assert.ok(await before.cut); // its bytes were not counted
    assert.ok(isOpen(guessing.socket), "it still gets its answer");
    const turnedAway = await enter();
    assert.ok(await turnedAway.cut);
    assert.ok(isOpen(other.socket));
    assert.ok(isOpen((await enter("127.0.0.2")).socket));
  });

  it("delays an address that connects too often, then rejects it; other addresses are served at once", async () => {
    await open(10, 60_000, { cost: 100_000, allowance: 150_000, maximum: 350_000 });
    const delays: number[] = [];
    for (let i = 0; i < 3; i++) {
      await enter();
      delays.push(guard.delayOf(last()));
    }
    assert.deepEqual(delays.slice(0, 2), [0, 0]);
    const [, , waits = NaN] = delays;
    assert.ok(waits > 0 && waits <= 50_000, String(waits));
    assert.ok(await (await enter()).cut);
    await enter("127.0.0.2");
    assert.equal(guard.delayOf(last()), 0);
  });

  it("cuts a connection that sends more than a Join needs, unless it has joined", async () => {
    await open(10);
    const [joined, talking] = [await enter(), await enter()];
    const [first, second] = near;
    for (const socket of [first, second]) {
      socket?.resume();
      guard.countBytes(socket ?? assert.fail());
    }
    guard.markJoined(first ?? assert.fail());
    joined.socket.write(Buffer.alloc(200_000));
    talking.socket.write(Buffer.alloc(100_000));
    talking.socket.write(Buffer.alloc(100_000));
    assert.ok(await talking.cut);
    assert.ok(isOpen(joined.socket));
  });
});
