import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

const trial = fixture("linear-regression");

describe("joining", () => {
  it("ends before it starts if the data are unusable", async () => {
    const folder = await temporaryFolder();
    for (const file of ["a.txt", "b.txt"]) await writeFile(join(folder, file), "too short");
    const { code, stderr } = await fedclair([
      "run",
      fixture("texts"),
      "--hosts",
      "1",
      "--out",
      join(folder, "run"),
      "--set",
      `task.source.folder=${folder}`,
    ]);
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /error: --set task\.source\.folder=.*: task: the folder .*: a has only 9 usable characters,/m,
    );
    assert.ok(
      !(await readdir(folder)).includes("run"),
      "a failed start leaves no run folder behind",
    );
  });

  it("fails with only the coordinator's message if it takes too long", async () => {
    const out = await temporaryFolder();
    const limit = ["--set", "limits.joinSeconds=0.01"];
    const { code, stderr } = await fedclair(["run", trial, "--hosts", "1", "--out", out, ...limit]);
    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /^error: (joined hosts hold 0 of 10 clients: |\d of \d joined hosts are not ready, )[^\n]*\n$/,
    );
  });

  it("reports how many clients have a host if the capacity is too small", async () => {
    // The coordinator is given more time until it is enough for the host to start and to join.
    for (let seconds = 3, hasJoined = false; !hasJoined; seconds *= 2) {
      const limit = ["--set", `limits.joinSeconds=${seconds}`];
      const { coordinator, url } = await startCoordinator([
        ...[trial, "--out", await temporaryFolder(), ...limit],
      ]);
      const host = startHost(url, 4);
      const { code, stderr } = await coordinator.ended;
      assert.equal(code, 3, stderr);
      hasJoined = !/joined hosts hold 0 of 10 clients|hosts are not ready/.test(stderr);
      if (!hasJoined) {
        host.kill("SIGKILL", "group");
        continue;
      }
      assert.match(stderr, /joined hosts hold 4 of 10 clients/);
      const outcome = await host.ended;
      assert.equal(outcome.code, 3, "the coordinator's");
      assert.match(outcome.stderr, /the trial failed: joined hosts hold 4 of 10 clients/);
    }
  });

  it("from other machines requires the right token and backend, and TLS or --insecure", async () => {
    const folder = await temporaryFolder();
    const [tokenFile, out] = [join(folder, "token"), join(folder, "run")];
    const listen = ["coordinator", trial, "--out", out, "--listen", "0.0.0.0:0"];
    const open = await fedclair(listen);
    assert.equal(open.code, 2);
    assert.match(open.stderr, /listening on 0\.0\.0\.0 lets other machines in: set a token/);

    await writeFile(tokenFile, "a secret\n");
    const inClear = await fedclair([...listen, "--token-file", tokenFile]);
    assert.equal(inClear.code, 2);
    assert.match(
      inClear.stderr,
      /without TLS everything is sent in clear text, including the token: give --tls-cert/,
    );

    const { coordinator, url } = await startCoordinator([
      ...[trial, "--out", out, "--listen", "0.0.0.0:0", "--token-file", tokenFile, "--insecure"],
      ...["--backend", "cpu", "--no-report"],
    ]);
    assert.match(
      coordinator.stderr,
      /0\.0\.0\.0 lets other machines in without TLS: anyone who can see/,
    );
    const local = url.replace("0.0.0.0", "127.0.0.1");
    const env = { FEDCLAIR_TOKEN: "a secret" };
    const [wrong, another] = await Promise.all([
      startHost(local, 10, { env: { FEDCLAIR_TOKEN: "a guess" } }).ended,
      startHost(local, 10, { env }).ended, // a host never chooses cpu by itself
    ]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /BAD_TOKEN: the token is not the coordinator's/);
    assert.equal(another.code, 2);
    assert.match(
      another.stderr,
      /BACKEND_MISMATCH: the host computes with '.+', the trial with 'cpu': results would not repeat; start the host with --backend cpu, or the coordinator with --backend \w+/,
    );
    const right = startHost(local, 10, { env }, ["--backend", "cpu"]);
    assert.equal((await coordinator.ended).code, 0);
    assert.equal((await right.ended).code, 0);
    const { backend } = JSON.parse(await readFile(join(out, "summary.json"), "utf8")) as {
      backend: string;
    };
    assert.equal(backend, "cpu");
  });
});
