import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Queue } from "bullmq";
import { fedclair, start, type Command } from "./support/command.js";
import { requirePrograms } from "./support/programs.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { Secrets, requireOpenssl } from "./support/secrets.js";
import { runReferenceSweep, grid, readSweepBytes } from "./support/sweeps.js";
import { startValkey } from "./support/valkey.js";

/** Waits until a checkpoint of a trial has arrived, other than the given one. @returns its file */
async function waitForCheckpoint(out: string, before = ""): Promise<string> {
  for (;;) {
    for (const trial of readdirSync(out).filter((name) => /-seed-\d+$/.test(name))) {
      const name = readdirSync(join(out, trial)).find((one) => /^checkpoint-\d+$/.test(one));
      const file = join(out, trial, name ?? "");
      if (name !== undefined && file !== before) return file;
    }
    await setImmediate();
  }
}

/** Lists the trials that workers report as finished. */
function listFinished(...workers: readonly Command[]): string[] {
  return workers.flatMap(({ stderr }) =>
    [...stderr.matchAll(/"msg":"([0-9a-f]{16}): done"/g)].map(([, id = ""]) => id),
  );
}

describe("a sweep queued in Valkey", () => {
  requirePrograms("valkey-server");

  it("is run once, with the bytes of one process, although one worker stops, one dies, and the server restarts", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "grid.yaml");
    await writeFile(file, grid);
    const { url, client, restart } = await startValkey(["--appendonly", "yes"]);
    const out = join(folder, "queue");
    const [env, root] = [{ FEDCLAIR_QUEUE: url }, await temporaryFolder()];
    const sweep = start(["sweep", file, "--out", out, "--queue"], { env });
    await sweep.waitForOutput(/trials are queued/);
    const worker = (jobs = "1") => start(["worker", "--root", root, "--jobs", jobs], { env });

    const stops = worker();
    const first = await waitForCheckpoint(out);
    stops.kill("SIGINT", "group");
    assert.equal((await stops.ended).code, 130, stops.stderr);
    assert.doesNotMatch(stops.stderr, /^ +at /m);

    const dies = worker();
    await waitForCheckpoint(out, first);
    dies.kill("SIGKILL", "group");
    await dies.ended;
    // Makes it look as if the worker had died half a minute ago.
    const [active = ""] = await client.lrange("fedclair:trials:active", 0, -1);
    assert.equal(await client.del(`fedclair:trials:${active}:lock`), 1);

    const lives = worker("2");
    await sweep.waitForOutput(/^12\/24, /m);
    if (process.platform === "linux") {
      const children = await readFile(`/proc/${lives.pid}/task/${lives.pid}/children`, "utf8");
      assert.equal(children.trim().split(" ").length, 2, "a process for each job");
    }
    await restart();
    // As if a worker had slept until its trial was given to another.
    for (;;) {
      const [taken = ""] = await client.lrange("fedclair:trials:active", 0, -1);
      if ((await client.del(`fedclair:trials:${taken}:lock`)) === 1) break;
    }
    await lives.waitForOutput(/ends here: (the queue has given it to another|nobody waits)/);
    const { code, stdout, stderr } = await sweep.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^24\/24 /m);
    assert.doesNotMatch(stderr, /Warning/);
    assert.match(stdout, /^worst [^]*\n\nreport: /m);
    const ids = listFinished(stops, dies, lives);
    assert.equal(new Set(ids).size, ids.length, "a trial was run twice");
    assert.ok(ids.length >= 22, "workers may end before they report their last trial");
    assert.deepEqual(await readSweepBytes(out), await runReferenceSweep());
    const queued = ["--queue", url, "--no-report"];
    const again = await fedclair(["sweep", file, "--out", out, ...queued]);
    assert.equal(
      again.stderr.match(/done before/g)?.length,
      24,
      "finished trials are not queued again",
    );
    lives.kill("SIGTERM");
    assert.equal((await lives.ended).code, 130);
    assert.equal(await client.exists("fedclair:trials:wait", "fedclair:trials:active"), 0);
    assert.equal(readdirSync(root).length, 1, "only the worker that died leaves its folder");
  });

  it("is rejected by an unsuitable worker, with a message on both sides", async () => {
    const folder = await temporaryFolder();
    const { url, client } = await startValkey();
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
    const created = await fedclair(["new", "study"], { cwd: folder });
    assert.equal(created.code, 0, created.stderr);
    const study = join(folder, "study");
    const trial = await readFile(join(study, "trial.yaml"), "utf8");
    // The worker has the plug-ins in another folder.
    const elsewhere = join(folder, "elsewhere");
    await cp(study, elsewhere, { recursive: true });
    const plugins = [...trial.matchAll(/\.\/[\w-]+\.js/g)].flatMap(([name]) => {
      return ["--plugin", join(elsewhere, name)];
    });
    const [file, out] = [join(study, "sweep.yaml"), join(folder, "out")];
    const text = `${trial}\nsweep: { measures: [bytes.up] }\n`;
    await writeFile(file, text);
    const sweep = start(["sweep", file, "--out", out, "--set", "rounds=1", "--queue", url]);
    await sweep.waitForOutput(/trials are queued/);
    const [key = ""] = await client.keys("fedclair:sweep:*");
    const stored = (await client.get(key)) ?? "";
    const refuse = async (said: RegExp, changes: object, ...allowed: string[]) => {
      await client.set(key, JSON.stringify({ ...(JSON.parse(stored) as object), ...changes }));
      const worker = start(["worker", "--queue", url, "--root", folder, ...allowed]);
      await sweep.waitForOutput(
        new RegExp(`trials that ${hostname()} took are queued again: .*${said.source}`),
      );
      assert.match(worker.stderr, said);
      worker.kill("SIGTERM");
      assert.equal((await worker.ended).code, 130);
    };
    await refuse(/its code runs only where .* a module of the same name whose code has/, {});
    await refuse(/is of fedclair \S+, the sweep was queued by 0\.0\.1: install the same/, {
      version: "0.0.1",
    });
    await refuse(
      /the sweep computes with the backend none: expected one of auto/,
      { backend: "none" },
      ...plugins,
    );
    const other = { text: `${text}seed: 77\n` };
    await refuse(/no trial of it has the hash [0-9a-f]{16} here/, other, ...plugins);
    await client.set(key, stored, "EX", 30);

    // Workers ignore queued jobs that are no trials of a sweep.
    const queue = new Queue("trials", { prefix: "fedclair", connection: client });
    await queue.add("trial", { sweep: "../../x", trial: "; rm" });
    await queue.close();
    const worker = start(["worker", "--queue", url, "--root", folder, ...plugins]);
    const { code, stderr } = await sweep.ended;
    assert.equal(code, 0, stderr + worker.stderr);
    assert.equal(await client.exists("fedclair:trials:wait", "fedclair:trials:active"), 0);
  });

  it("reports a server that is absent, full or of another release, and removes unstarted trials on Ctrl-C", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "grid.yaml"), grid);
    const args = ["sweep", join(folder, "grid.yaml"), "--out", join(folder, "out"), "--queue"];
    const lonely = start([...args, "redis://127.0.0.1:1"]);
    await lonely.waitForOutput(/no queue at redis:\/\/127\.0\.0\.1:1: ECONNREFUSED; still trying/);
    lonely.kill("SIGINT");
    assert.equal((await lonely.ended).code, 130);

    const policy = ["--maxmemory-policy", "allkeys-lru", "--maxmemory", "1"];
    const { url, client } = await startValkey(policy);
    const sweep = start([...args, url]);
    await sweep.waitForOutput(/has maxmemory-policy allkeys-lru .*: set it to noeviction/);
    await sweep.waitForOutput(/the queue at redis:\S+ takes nothing: OOM .*; still trying/);
    await client.config("SET", "maxmemory", "0");
    while ((await client.llen("fedclair:trials:wait")) < 24) await setImmediate();
    sweep.kill("SIGINT");
    assert.equal((await sweep.ended).code, 130, sweep.stderr);
    assert.equal(await client.exists("fedclair:trials:wait"), 0);

    await client.hset("fedclair:trials:meta", "version", "bullmq:5.1.0");
    const old = await fedclair([...args, url]);
    assert.equal(old.code, 2);
    assert.match(old.stderr, /was made by bullmq:5\.1\.0, expected bullmq 6: choose another/);
  });
});

describe("a Valkey with a password and TLS", function () {
  requirePrograms("valkey-server");
  requireOpenssl();

  it("is reached by its URL, which never appears in output", async () => {
    const secrets = await Secrets.make();
    const ca = secrets.file("ca.pem");
    const { port } = await startValkey(
      [
        ...["--requirepass", "hush", "--tls-auth-clients", "no", "--tls-ca-cert-file", ca],
        ...["--tls-cert-file", secrets.file("coordinator.pem")],
        ...["--tls-key-file", secrets.file("coordinator-key.pem")],
      ],
      { password: "hush", tls: { ca: await readFile(ca) } },
    );
    const at = (password: string) => ({
      FEDCLAIR_QUEUE: `rediss://default:${password}@127.0.0.1:${port}/3`,
      NODE_EXTRA_CA_CERTS: ca,
    });
    const worker = start(["worker"], { env: at("hush") });
    await worker.waitForOutput(
      /1 trials at a time of the queue at rediss:\/\/127\.0\.0\.1:\d+\/3,/,
    );
    worker.kill("SIGINT");
    await worker.ended;
    const wrong = await fedclair(["worker"], { env: at("husk") });
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.stderr,
      /^error: the queue at rediss:\/\/127\.\S+ does not let us in: WRONGPASS/m,
    );
    const none = await fedclair(["worker", "--queue", "redi://x:hush@y"]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^error: --queue: expected redis:\/\/host:port\/db/m);
    for (const { stdout, stderr } of [await worker.ended, wrong, none])
      assert.doesNotMatch(stdout + stderr, /hus[hk]/);
    const untrusted = start(["worker"], { env: { ...at("hush"), NODE_EXTRA_CA_CERTS: "" } });
    await untrusted.waitForOutput(
      /no queue at rediss:\S+: \S*(CERT|SIGNED|ISSUER)\S*; still trying/,
    );
  });
});
