import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair, type Command } from "./support/command.js";
import { readResultBytes, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { isTls, Recorder, parseFrames } from "./support/recorder.js";
import { Secrets, requireOpenssl } from "./support/secrets.js";

const trial = fixture("linear-regression");

async function waitForExit(command: Command, code: number): Promise<string> {
  const outcome = await command.ended;
  assert.equal(outcome.code, code, outcome.stderr);
  return outcome.stderr;
}

/** Fails unless the output is one line without a stack trace. */
function assertOneError(stderr: string, pattern: RegExp): void {
  const lines = stderr.split("\n").filter((line) => !line.startsWith("{") && line !== "");
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0] ?? "", pattern);
}

describe("TLS and signed tokens", () => {
  requireOpenssl();

  let secrets: Secrets;
  before(async () => {
    secrets = await Secrets.make("gpu-1", "gpu-2");
  });

  const host = (url: string, token: string, args: readonly string[], capacity = 5) =>
    startHost(url, capacity, { env: { FEDCLAIR_TOKEN: token } }, args);
  const signed = () => ["--token-key", secrets.file("token-key")];

  /** Runs two hosts behind a recorder. @returns the run folder and the recorded streams */
  const overheard = async (isSafe: boolean, tokens: readonly string[]) => {
    const out = join(await temporaryFolder(), "run");
    const { coordinator, url } = await startCoordinator([
      ...[trial, "--out", out, "--no-report", ...signed()],
      ...(isSafe ? secrets.coordinator({ mutual: true }) : []),
    ]);
    const recorder = await Recorder.before(url);
    const hosts = tokens.map((token, i) =>
      host(
        recorder.url(isSafe ? "https" : "http"),
        token,
        isSafe ? secrets.host(`gpu-${i + 1}`) : [],
      ),
    );
    await waitForExit(coordinator, 0);
    for (const one of hosts) await waitForExit(one, 0);
    return { out, streams: recorder.close() };
  };

  it("give the bytes of a run in memory and show nothing in clear", async () => {
    const memory = join(await temporaryFolder(), "run");
    const alone = ["run", trial, "--transport", "memory", "--out", memory, "--no-report"];
    assert.equal((await fedclair(alone)).code, 0);
    const tokens = [
      await secrets.token("gpu-1", "--clients", "c00-c04"),
      await secrets.token("gpu-2", "--clients", "c05-c09"),
    ];
    const inClear = await overheard(false, tokens);
    const encrypted = await overheard(true, tokens);
    for (const { out } of [inClear, encrypted]) {
      assert.deepEqual(await readResultBytes(out), await readResultBytes(memory));
    }

    const frames = inClear.streams.flatMap(parseFrames);
    const hidden = Buffer.concat(encrypted.streams);
    const trialText = Buffer.from("linear-regression-small");
    // The longest frames without text are params and updates, and their middle consists of numbers.
    const [params = assert.fail()] = frames
      .filter((frame) => !frame.includes(trialText))
      .sort((one, other) => other.length - one.length);
    const needles = {
      token: Buffer.from(tokens[0] ?? ""),
      trial: trialText,
      params: params.subarray(params.length / 2, params.length / 2 + 32),
    };
    for (const [what, needle] of Object.entries(needles)) {
      const matches = frames.filter((frame) => frame.includes(needle));
      assert.ok(matches.length > 0, `${what}: it must be visible without TLS`);
      assert.ok(!hidden.includes(needle), `${what} is sent in clear`);
    }
    assert.ok(params.length > 20 * 6 * 8, "it holds a matrix of float64");
    assert.equal(encrypted.streams.length, 4);
    for (const stream of encrypted.streams) assert.ok(isTls(stream));
    assert.ok(inClear.streams.every((stream) => !isTls(stream)));
  });

  it("end a host that does not trust the coordinator before it sends anything", async () => {
    const out = await temporaryFolder();
    const { coordinator, url } = await startCoordinator([
      ...[trial, "--out", out, ...signed(), ...secrets.coordinator()],
    ]);
    const strangers = await Secrets.make();
    for (const args of [strangers.host(), []]) {
      const began = performance.now();
      const stderr = await waitForExit(host(url, "fct1.a.secret", args), 2);
      assertOneError(stderr, /^error: https:.*: its certificate is not believed \(.*--tls-ca/);
      assert.ok(performance.now() - began < 55_000, "it tried for a minute");
    }
    coordinator.kill("SIGTERM");
    assert.doesNotMatch(await waitForExit(coordinator, 130), /refused a host/);
  });

  it("admit hosts with a valid token only, and give the reason to others", async () => {
    const id = "0123456789abcdef";
    const revoked = await secrets.write("revoked.txt", `${id} the laptop that was lost\n`);
    const { coordinator, url } = await startCoordinator([
      ...[trial, "--out", await temporaryFolder(), "--no-report", ...signed()],
      ...["--revoked", revoked, ...secrets.coordinator({ mutual: true })],
    ]);
    const checkRejected = async (token: string, why: RegExp) => {
      const stderr = await waitForExit(host(url, token, secrets.host("gpu-1")), 2);
      assertOneError(stderr, why);
    };
    await checkRejected(
      await secrets.signed({ expires: 1 }),
      /expired at 1970-01-01T00:00:01.000Z/,
    );
    await checkRejected(await secrets.signed({ id }), /BAD_TOKEN: the token 0123.* was revoked$/);
    await checkRejected(
      await secrets.signed({ clients: [10, 12] }),
      /is for clients c10-c12, and the trial has only c00-c09$/,
    );
    await checkRejected(await secrets.signed({ role: "coordinator" }), /for the role coordinator/);
    const without = await waitForExit(host(url, await secrets.token("gpu-1"), secrets.host()), 2);
    assertOneError(without, /expect a certificate of this host/);

    // A host cannot hold the clients of another host's token, so the trial waits for that host.
    const stolen = await secrets.token("gpu-1", "--clients", "c00-c04");
    const thief = host(url, stolen, secrets.host("gpu-1"), 10);
    await coordinator.waitForOutput(/host 'gpu-1' \(/);
    const second = await secrets.token("gpu-2", "--clients", "c05-c09");
    const right = host(url, second, secrets.host("gpu-2"));
    for (const one of [thief, right]) await waitForExit(one, 0);
    const stderr = await waitForExit(coordinator, 0);
    for (const secret of [stolen, second, "fct1."]) assert.ok(!stderr.includes(secret));
  });

  it("are rejected if their files are invalid", async () => {
    const [out, key] = [await temporaryFolder(), secrets.file("token-key")];
    const [cert, ca] = [secrets.file("coordinator.pem"), secrets.file("ca.pem")];
    const wrong: [string[], RegExp][] = [
      [["--tls-cert", cert, "--tls-key", secrets.file("gpu-1-key.pem")], /is not the key of/],
      [["--token-key", key, "--token-file", key], /cannot be used with option '--token-file/],
      [["--token-key", key, "--revoked", "none"], /--revoked: cannot read 'none'/],
    ];
    for (const [args, message] of wrong) {
      const { code, stderr } = await fedclair(["coordinator", trial, "--out", out, ...args]);
      assert.equal(code, 2, stderr);
      assertOneError(stderr, message);
    }
    const plain = await fedclair([
      ...["client", "--coordinator", "http://127.0.0.1:1", "--capacity", "1", "--tls-ca", ca],
    ]);
    assert.equal(plain.code, 2);
    assertOneError(plain.stderr, /an address without TLS: expected one that begins with https/);
  });
});
