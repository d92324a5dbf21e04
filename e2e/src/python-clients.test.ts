import assert from "node:assert/strict";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exitCodes } from "@fedclair/core/internal";
import { fedclair } from "./support/command.js";
import { listPythonCommands } from "./support/documented-commands.js";
import { writeMnist } from "./support/digits.js";
import {
  readResultBytes,
  listFailures,
  readRecords,
  startCoordinator,
  startHost,
} from "./support/federation.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import {
  examples,
  requirePython,
  startPythonFederation,
  startPythonHost,
} from "./support/python.js";
import { Secrets, requireOpenssl } from "./support/secrets.js";

const tests = "apps/client-python/tests";
const linear = join(workspace, examples, "linear.yaml");

interface SummaryFile {
  readonly backend: string;
  readonly measures: Readonly<Record<string, number>>;
}

async function readSummary(run: string): Promise<SummaryFile> {
  return JSON.parse(await readFile(join(run, "summary.json"), "utf8")) as SummaryFile;
}

describe("Python clients", () => {
  requirePython();

  it("train a numpy model by the documented commands, and CLAIR flags the six", async () => {
    const out = await temporaryFolder();
    const [coordinate = []] = listPythonCommands("npx", "fedclair", "coordinator");
    const joins = listPythonCommands("fedclair-host").filter(
      ([name]) => name === "linear:make_client",
    );
    assert.deepEqual([coordinate[0], joins.length], [`${examples}/linear.yaml`, 2]);
    const { coordinator, url } = await startCoordinator(
      [...coordinate, "--out", out].map((word) => (/:\d+$/.test(word) ? "127.0.0.1:0" : word)),
    );
    const hosts = await Promise.all(
      joins.map((words) =>
        startPythonHost(
          examples,
          words.map((word) => (word.startsWith("http") ? url : word)),
        ),
      ),
    );
    const outcome = await coordinator.ended;
    assert.equal(outcome.code, 0, outcome.stderr);
    for (const host of hosts) assert.equal((await host.ended).code, 0);
    const { backend, measures } = await readSummary(out);
    assert.equal(backend, "python-numpy");
    assert.equal(measures["detection.exactRounds"], 1);
    assert.equal(measures["detection.recall.wrong-sensors"], 1);
    assert.ok((measures["error.ratioTo.local"] ?? 1) < 0.25);
    assert.match(outcome.stdout, /clair flagged 6 of 6 contaminated clients/);
    const [first] = await readRecords(out);
    assert.equal(first?.origin?.clientId, "c00");
    assert.match(first.origin.sha256, /^[0-9a-f]{64}$/);
    assert.ok(first.clients.every(({ truth }) => truth === undefined));
  });

  it("train with simulated clients, with the same bytes for any hosts, and CLAIR flags three of both", async () => {
    const data = join(await temporaryFolder(), "MNIST", "raw");
    await writeMnist(data);
    const [trial = ""] =
      listPythonCommands("npx", "fedclair", "coordinator").find(([file]) =>
        file?.includes("mixed"),
      ) ?? [];
    const [simulating = []] = listPythonCommands("npx", "fedclair", "client");
    const joins = listPythonCommands("fedclair-host").find(
      ([name]) => name === "digits:make_client",
    );
    assert.deepEqual([simulating.at(-1), joins?.at(-1)], ["9", "3"]);
    const bytes = [];
    for (const [capacities, own] of [
      [[9], 3],
      [[4, 5], 1],
    ] as const) {
      const out = await temporaryFolder();
      const hosts = Array.from({ length: 3 / own }, () => [
        "digits:make_client",
        "--capacity",
        `${own}`,
      ]);
      const folder = `task.source.folder=${data}`;
      const { coordinator, url } = await startPythonFederation(
        join(workspace, trial),
        out,
        [folder],
        hosts,
      );
      for (const capacity of capacities) startHost(url, capacity);
      const { code, stdout, stderr } = await coordinator.ended;
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        /clair flagged 3 of 3 contaminated clients in the last round, 8 of 9 over 3 rounds, with no false alarm/,
      );
      assert.match(stdout, /^backend of the clients: \w+ and python-numpy$/m);
      assert.match(stdout, /^c11 +shuffled-labels +contaminated/m);
      bytes.push(await readResultBytes(out));
    }
    assert.deepEqual(bytes[0], bytes[1]);
  });

  it("with unknown truth count neither as hits nor as false alarms", async () => {
    const out = await temporaryFolder();
    const changes = ["attacks=[]", "baselines=[]"];
    const hosts = [["linear:make_client", "--capacity", "20"]];
    const { coordinator } = await startPythonFederation(linear, out, changes, hosts);
    const { code, stdout, stderr } = await coordinator.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /clair flagged 6 of 20 clients of unknown truth in the last round/);
    assert.match(stdout, /^c02 +unknown +contaminated/m);
    const { measures } = await readSummary(out);
    assert.deepEqual(
      Object.keys(measures).filter((name) => name.startsWith("detection.")),
      [],
    );
  });

  it("fail separately, each with the code of its fault", async () => {
    const out = await temporaryFolder();
    const hosts = [["misbehaving:make_client", "--capacity", "16"]];
    const trial = fixture("python-misbehaving");
    const { coordinator, hosts: started } = await startPythonFederation(
      trial,
      out,
      [],
      hosts,
      tests,
    );
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, exitCodes.lost, stderr);
    const records = await readRecords(out);
    assert.equal(records.length, 2);
    for (const record of records) {
      assert.deepEqual(listFailures(record), [
        ...["c00 NON_FINITE", "c01 WRONG_MODULES", "c02 CLIENT_ERROR", "c03 CLIENT_TIMEOUT"],
        ...["c04 CLIENT_ERROR", "c05 WRONG_SHAPE", "c06 NON_FINITE", "c07 CLIENT_ERROR"],
      ]);
      const messages = record.clients.map(({ failure }) => failure?.message);
      assert.equal(messages[2], "ValueError: no data\\n\\u{1b}[31mhere");
      assert.equal(messages[4], "SystemExit: enough");
      assert.equal(messages[7], "TypeError: train() returned dict, expected an Update");
      const metrics = record.clients.flatMap(({ train }) => (train ? [train] : []));
      assert.equal(new Set(metrics.map((metrics) => metrics["common"])).size, 1);
      assert.equal(new Set(metrics.map((metrics) => metrics["own"])).size, 8);
    }
    const [host] = started;
    assert.equal((await host?.ended)?.code, 0);
  });

  it("are explained by commands that cannot run them and by rejected hosts", async () => {
    // The trial without the names of its code, as for hosts that are started by hand.
    const text = await readFile(linear, "utf8");
    const byHand = join(await temporaryFolder(), "linear.yaml");
    await writeFile(byHand, text.replace(/^python: .*$/m, ""));
    const run = await fedclair(["run", byHand, "--out", await temporaryFolder()]);
    assert.equal(run.code, exitCodes.usage);
    assert.match(
      run.stderr,
      /task external: its clients live in hosts of their own.*fedclair-host/s,
    );
    const run2 = join(await temporaryFolder(), "run");
    const federation = await startPythonFederation(
      byHand,
      run2,
      ["rounds=9", "baselines=[]"],
      [["linear:make_client", "--capacity", "20"]],
    );
    await federation.coordinator.waitForOutput(/clair round 2/);
    federation.coordinator.kill("SIGINT");
    assert.match((await federation.coordinator.ended).stderr, /fedclair resume \S+ goes on/);
    const resumed = await fedclair(["resume", run2]);
    assert.equal(resumed.code, exitCodes.usage);
    const [, command = ""] =
      /Start `(?:npx )?fedclair (coordinator .* --resume) --listen/.exec(resumed.stderr) ?? [];
    const words = command.split(" ").slice(1);
    const { coordinator: again, url: where } = await startCoordinator(words);
    await startPythonHost(examples, [
      ...["linear:make_client", "--capacity", "20", "--coordinator", where],
    ]);
    const { code: goneOn, stderr: log } = await again.ended;
    assert.equal(goneOn, 0, log);
    assert.match(log, /goes on after \d+ rounds/);
    const shown = await fedclair(["resume", run2]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^c02 +wrong-sensors/m);

    const out = await temporaryFolder();
    const join1 = ["linear:make_client", "--capacity", "1"];
    const { url, coordinator, hosts } = await startPythonFederation(linear, out, [], [join1]);
    await hosts[0]?.waitForOutput(/joined/);
    const checkRejected = async (args: readonly string[], why: RegExp) => {
      const host = await startPythonHost(examples, [...args, "--coordinator", url]);
      const { code, stderr } = await host.ended;
      assert.equal(code, 2, stderr);
      assert.match(stderr, why);
    };
    await checkRejected(
      [...join1, "--backend", "other"],
      /BACKEND_MISMATCH: the host computes with 'other'/,
    );
    await checkRejected(["linear:nobody", "--capacity", "1"], /module linear has no 'nobody'/);
    await checkRejected(["nowhere:x", "--capacity", "1"], /No module named 'nowhere', neither in /);
    await checkRejected(
      ["linear:make_client", "--capacity", "0"],
      /expected a whole number from 1 on/,
    );
    await checkRejected([...join1, "--token-file", "none"], /--token-file: 'none': no such file/);
    hosts[0]?.process.kill("SIGINT");
    assert.equal((await hosts[0]?.ended)?.code, exitCodes.interrupted);
    coordinator.kill("SIGINT");
    await coordinator.ended;
    const simulated = await startPythonFederation(
      fixture("linear-regression"),
      await temporaryFolder(),
      [],
      [join1],
    );
    const { code, stderr } = (await simulated.hosts[0]?.ended) ?? {};
    assert.equal(code, 2);
    assert.match(
      stderr ?? "",
      /all clients of the trial are simulated, by its task linear-regression/,
    );
    simulated.coordinator.kill("SIGINT");
    await simulated.coordinator.ended;
  });

  it("report that a plug-in's task needs another host", async () => {
    const folder = await temporaryFolder();
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
    await fedclair(["new", "a-study", "--template", "own-method"], { cwd: folder });
    const { coordinator, url } = await startCoordinator(["trial.yaml"], {
      cwd: join(folder, "a-study"),
    });
    const args = ["linear:make_client", "--capacity", "1", "--coordinator", url];
    const { code, stderr } = await (await startPythonHost(examples, args)).ended;
    assert.equal(code, 2);
    assert.match(
      stderr,
      /all clients of the trial are simulated, .*`fedclair client` is their host/,
    );
    coordinator.kill("SIGINT");
    await coordinator.ended;
  });
});

describe("Python clients over TLS", () => {
  requirePython();
  requireOpenssl();

  it("use their own certificates and tokens and trust no other coordinator", async () => {
    const [secrets, strangers] = [await Secrets.make("gpu-1"), await Secrets.make("gpu-1")];
    const { coordinator, url } = await startCoordinator([
      ...[linear, "--out", await temporaryFolder(), "--no-report"],
      ...["--token-key", secrets.file("token-key"), ...secrets.coordinator({ mutual: true })],
    ]);
    const host = async (token: string, args: readonly string[]) => {
      const all = ["linear:make_client", "--capacity", "20", "--coordinator", url, ...args];
      return await startPythonHost(examples, all, { env: { FEDCLAIR_TOKEN: token } });
    };
    const checkRejected = async (token: string, args: readonly string[], why: RegExp) => {
      const { code, stderr } = await (await host(token, args)).ended;
      assert.equal(code, exitCodes.usage, stderr);
      assert.match(stderr, why);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    };
    const ours = secrets.host("gpu-1");
    await checkRejected(
      "fct1.a.secret",
      strangers.host("gpu-1"),
      /its certificate is not believed \(/,
    );
    await checkRejected("fct1.a.secret", secrets.host(), /expect a certificate of this host/);
    await checkRejected(
      await secrets.signed({ expires: 1 }),
      ours,
      /BAD_TOKEN: .* expired at 1970-/,
    );
    assert.doesNotMatch(coordinator.stderr, /fct1/);
    const right = await host(await secrets.token("gpu-1", "--clients", "c00-c19"), ours);
    const outcome = await coordinator.ended;
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal((await right.ended).code, 0);
  });
});
