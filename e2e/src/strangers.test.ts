import assert from "node:assert/strict";
import { connect } from "node:net";
import { join as joinPath } from "node:path";
import { fedclair } from "./support/command.js";
import { readResultBytes, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { frame, join, Stranger } from "./support/wire-bytes.js";

describe("a stranger that connects to a coordinator", () => {
  const strangers: Stranger[] = [];
  afterEach(() => {
    for (const stranger of strangers.splice(0)) stranger.close();
  });

  it("gets an error code for anything it sends, and the trial's bytes stay the same", async () => {
    const folder = await temporaryFolder();
    const [undisturbed, disturbed] = [joinPath(folder, "a"), joinPath(folder, "b")];
    const set = ["--set", "rounds=5", "--no-report"];
    const alone = ["run", fixture("long"), "--transport", "memory", "--out", undisturbed, ...set];
    assert.equal((await fedclair(alone)).code, 0);

    const env = { FEDCLAIR_TOKEN: "a secret" };
    const options = ["--listen", "127.0.0.1:0", "--out", disturbed, ...set];
    const { coordinator, url } = await startCoordinator([fixture("long"), ...options], { env });
    const host = startHost(url, 8, { env });
    await coordinator.waitForOutput(/round 1:/);
    // The trial waits for its only host and so cannot end meanwhile.
    host.kill("SIGSTOP", "group");
    const stranger = async () => {
      const connected = await Stranger.connect(url);
      strangers.push(connected);
      return connected;
    };

    const answer = async (argument: unknown, event?: string) =>
      (await stranger()).ask(argument, event);
    assert.equal(await answer(Uint8Array.of(255, 255, 255, 255)), "MALFORMED");
    assert.equal(await answer("no bytes"), "MALFORMED");
    assert.equal(await answer(frame(join("a secret")), "another-event"), "MALFORMED");
    assert.equal(await answer(frame(Uint8Array.of(0x12, 0))), "NOT_JOINED");
    assert.equal(await answer(frame(join("a secret"), 100 << 20)), "OVERSIZE");
    assert.equal(await answer(frame(join("a guess"))), "BAD_TOKEN");
    assert.equal(await answer(frame(join("a secret", 1))), "PROTOCOL_VERSION");
    assert.equal(await answer(frame(join("a secret", 2, "abacus"))), "BACKEND_MISMATCH");
    const rejected = await stranger();
    assert.equal(await rejected.ask(frame(join("a guess"))), "BAD_TOKEN");
    await rejected.ended; // it has nothing more to say
    assert.match(await (await stranger()).overfill(new Uint8Array(2 << 20)), /transport/);
    // A host that joins, never gets ready and leaves gets no clients.
    const guest = await stranger();
    assert.equal(await guest.ask(frame(join("a secret"))), "welcome");
    assert.equal(await guest.ask(frame(join("a secret"))), "DUPLICATE");
    guest.close();
    assert.doesNotMatch(coordinator.stderr, /round 5:/, "the trial must outlast the strangers");
    host.kill("SIGCONT", "group");

    for (const half of [coordinator, host]) {
      const outcome = await half.ended;
      assert.equal(outcome.code, 0, outcome.stderr);
    }
    assert.match(coordinator.stderr, /BAD_TOKEN.*start the host with the same one/);
    assert.deepEqual(await readResultBytes(disturbed), await readResultBytes(undisturbed));
  });

  it("cannot keep hosts out, and gets ten guesses", async () => {
    const env = { FEDCLAIR_TOKEN: "a secret" };
    const out = await temporaryFolder();
    const set = ["--set", "rounds=3", "--no-report"];
    const { coordinator, url } = await startCoordinator([fixture("long"), "--out", out, ...set], {
      env,
    });
    const { hostname, port } = new URL(url);
    const silent = Array.from({ length: 1500 }, () => connect(Number(port), hostname));
    for (const socket of silent) socket.on("error", () => undefined);
    let answered = 0;
    const began = performance.now();
    for (let guess = 0; guess < 40; guess++) {
      const guessing = await Stranger.connect(url).catch(() => undefined);
      if (!guessing) continue;
      strangers.push(guessing);
      if ((await guessing.ask(frame(join(`guess ${guess}`)))) === "BAD_TOKEN") answered++;
    }
    // One more guess is allowed every six seconds.
    const allowed = 10 + Math.floor((performance.now() - began) / 6000);
    assert.ok(answered >= 10 && answered <= allowed, `${answered} guesses of ${allowed}`);
    // The host has the address of the guesses and is admitted once one of them has expired.
    const host = startHost(url, 8, { env });
    await coordinator.waitForOutput(/round 1:/);
    const outcome = await coordinator.ended;
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal((await host.ended).code, 0);
    assert.ok(coordinator.stderr.length < 50_000);
    for (const socket of silent) socket.destroy();
  });
});
