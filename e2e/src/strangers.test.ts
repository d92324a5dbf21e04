import assert from "node:assert/strict";
import { connect } from "node:net";
import { join as joinPath } from "node:path";
import { fedclair } from "./support/command.js";
import { bytesOf, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { frame, join, Stranger } from "./support/wire-bytes.js";

describe("a stranger at the coordinator's door", () => {
  const strangers: Stranger[] = [];
  afterEach(() => {
    for (const stranger of strangers.splice(0)) stranger.close();
  });

  it("is answered with a code whatever it sends, and the trial's bytes are as ever", async () => {
    const folder = await temporaryFolder();
    const [undisturbed, disturbed] = [joinPath(folder, "a"), joinPath(folder, "b")];
    const set = ["--set", "rounds=10"];
    const alone = ["run", fixture("long"), "--transport", "memory", "--out", undisturbed, ...set];
    assert.equal((await fedclair(alone)).code, 0);

    const env = { FEDCLAIR_TOKEN: "a secret" };
    const options = ["--listen", "127.0.0.1:0", "--out", disturbed, ...set];
    const { coordinator, url } = await startCoordinator([fixture("long"), ...options], { env });
    const host = startHost(url, 8, { env });
    await coordinator.says(/round 1:/);
    // The trial waits for its only host meanwhile, and so is under way.
    host.kill("SIGSTOP", "group");
    const stranger = async () => {
      const connected = await Stranger.connect(url);
      strangers.push(connected);
      return connected;
    };

    const said = async (argument: unknown, event?: string) =>
      (await stranger()).ask(argument, event);
    assert.equal(await said(Uint8Array.of(255, 255, 255, 255)), "MALFORMED");
    assert.equal(await said("no bytes"), "MALFORMED");
    assert.equal(await said(frame(join("a secret")), "another-event"), "MALFORMED");
    assert.equal(await said(frame(Uint8Array.of(0x12, 0))), "NOT_JOINED");
    assert.equal(await said(frame(join("a secret"), 100 << 20)), "OVERSIZE");
    assert.equal(await said(frame(join("a guess"))), "BAD_TOKEN");
    assert.equal(await said(frame(join("a secret", 1))), "PROTOCOL_VERSION");
    assert.equal(await said(frame(join("a secret", 2, "abacus"))), "BACKEND_MISMATCH");
    const refused = await stranger();
    assert.equal(await refused.ask(frame(join("a guess"))), "BAD_TOKEN");
    await refused.ended; // it has nothing more to say
    assert.match(await (await stranger()).overfill(new Uint8Array(2 << 20)), /transport/);
    // One that joins, never gets ready and leaves is given no clients.
    const guest = await stranger();
    assert.equal(await guest.ask(frame(join("a secret"))), "welcome");
    assert.equal(await guest.ask(frame(join("a secret"))), "DUPLICATE");
    guest.close();
    assert.doesNotMatch(coordinator.stderr, /round 10:/, "the trial must outlast the strangers");
    host.kill("SIGCONT", "group");

    for (const half of [coordinator, host]) {
      const ended = await half.ended;
      assert.equal(ended.code, 0, ended.stderr);
    }
    assert.match(coordinator.stderr, /BAD_TOKEN.*start the host with the same one/);
    assert.deepEqual(await bytesOf(disturbed), await bytesOf(undisturbed));
  });

  it("cannot crowd hosts out, and gets ten guesses", async () => {
    const env = { FEDCLAIR_TOKEN: "a secret" };
    const out = await temporaryFolder();
    const set = ["--set", "rounds=30"];
    const { coordinator, url } = await startCoordinator([fixture("long"), "--out", out, ...set], {
      env,
    });
    const { hostname, port } = new URL(url);
    const silent = Array.from({ length: 1500 }, () => connect(Number(port), hostname));
    for (const socket of silent) socket.on("error", () => undefined);
    let told = 0;
    for (let guess = 0; guess < 40; guess++) {
      const guessing = await Stranger.connect(url).catch(() => undefined);
      if (!guessing) continue;
      strangers.push(guessing);
      if ((await guessing.ask(frame(join(`guess ${guess}`)))) === "BAD_TOKEN") told++;
    }
    assert.ok(told >= 10 && told <= 13, `${told} guesses`);
    // The guesses came from this machine, and so does the host: it is let in when one of them is forgiven.
    const host = startHost(url, 8, { env });
    await coordinator.says(/round 1:/);
    const ended = await coordinator.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal((await host.ended).code, 0);
    assert.ok(coordinator.stderr.length < 50_000);
    for (const socket of silent) socket.destroy();
  });
});
