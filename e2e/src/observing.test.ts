import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fedclair, start } from "./support/command.js";
import { runDocument } from "./support/document-script.js";
import { readRecords, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder, workspace } from "./support/paths.js";
import { installPython, requirePython } from "./support/python.js";

describe("docs/observing.md", () => {
  it("serves metrics and health of a trial, and exports its run", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/observing.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    const health = { trial: "linear-regression-gaussian", seed: 1, arm: null, round: 0 };
    assert.ok(stdout.includes(JSON.stringify({ ...health, rounds: 1, hosts: 0 })), stdout);
    const text = await readFile(join(workspace, "docs/observing.md"), "utf8");
    const documented = [...text.matchAll(/^\| `(fedclair_\w+)`/gm)].map(([, name]) => name);
    const served = [...stdout.matchAll(/^# HELP (fedclair_\w+) /gm)].map(([, name]) => name);
    assert.deepEqual(documented.sort(), served.sort());

    const records = await readRecords(join(folder, "runs/first"));
    const lines = (await readFile(join(folder, "first.jsonl"), "utf8")).trimEnd().split("\n");
    const steps = lines.map((line) => JSON.parse(line) as { step: number; arm: string });
    assert.deepEqual(
      steps.map(({ step, arm }) => [arm, step]),
      records.map(({ arm, round }) => [arm, round]),
    );
    assert.deepEqual(await readdir(join(folder, "first-csv")), ["clients.csv", "rounds.csv"]);
    assert.deepEqual(await readdir(join(folder, "first-parquet")), [
      "clients.parquet",
      "rounds.parquet",
    ]);
    const arms = [...new Set(records.map(({ arm }) => arm))].sort();
    assert.deepEqual((await readdir(join(folder, "first-tensorboard"))).sort(), arms);
  });
});

describe("a trial with --metrics", () => {
  it("reports its progress while it runs, and each log line names its source", async () => {
    const out = join(await temporaryFolder(), "run");
    const how = ["--out", out, "--hosts", "1", "--metrics", "127.0.0.1:0", "--no-report"];
    const command = start(["run", fixture("long"), ...how], { env: { FEDCLAIR_LOG: "info" } });
    const url = await command.waitForOutput(/metrics at (http:[^"\s]+)\/metrics/);
    await command.waitForOutput(/ round 2/);
    const health = await fetch(`${url}/healthz`);
    assert.equal(health.status, 200);
    const status = (await health.json()) as Record<string, unknown>;
    assert.ok(Number(status["round"]) >= 2, JSON.stringify(status));
    assert.deepEqual([status["rounds"], status["hosts"]], [1000, 1]);
    const text = await (await fetch(`${url}/metrics`)).text();
    assert.match(text, /^fedclair_rounds_done\{arm="[\w-]+"\} ([2-9]|\d\d)/m);
    assert.match(text, /^fedclair_sent_bytes_total [1-9]\d+$/m);
    assert.match(text, /^fedclair_primary_metric\{arm="[\w-]+",metric="\w+"\} [\d.]+$/m);
    command.kill("SIGINT", "group");
    const { stderr } = await command.ended;
    const log = stderr
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const trialName = status["trial"];
    const line = log.find(({ msg }) => /^a host .* joined$/.test(String(msg)));
    assert.equal(line?.["trial"], trialName);
    const last = log.filter(({ name }) => name === "client").at(-1);
    assert.deepEqual([last?.["trial"], Number(last?.["round"]) >= 2], [trialName, true]);
  });

  it("logs the reason for its backend, in one process too", async () => {
    const out = join(await temporaryFolder(), "run");
    const how = ["--out", out, "--transport", "memory", "--backend", "wasm", "--no-report"];
    const { stdout, stderr } = await start(["run", fixture("text-copy"), ...how], {
      env: { FEDCLAIR_LOG: "info" },
    }).ended;
    assert.match(stderr, /"msg":"backend wasm: as asked for"/);
    assert.match(stdout, /^backend for TensorFlow\.js: wasm; as asked for$/m);
  });

  it("is unhealthy after a failure while the coordinator still runs", async () => {
    const out = join(await temporaryFolder(), "run");
    const { coordinator, url } = await startCoordinator([
      ...[fixture("linear-regression"), "--no-report", "--out", out],
      ...["--metrics", "127.0.0.1:0"],
    ]);
    const metrics = await coordinator.waitForOutput(/metrics at (http:[^"\s]+)\/metrics/);
    const host = startHost(url, 1, { env: { FEDCLAIR_LOG: "info" } });
    await coordinator.waitForOutput(/a host .* joined/);
    host.kill("SIGSTOP", "group"); // and so does not hear of the end, which is waited for
    coordinator.kill("SIGTERM");
    let health = await fetch(`${metrics}/healthz`);
    while (health.status === 200) health = await fetch(`${metrics}/healthz`);
    assert.equal(health.status, 503);
    const status = (await health.json()) as Record<string, unknown>;
    assert.deepEqual([status["hosts"], status["failure"]], [1, "This operation was aborted"]);
    assert.equal((await coordinator.ended).code, 130);
  });

  it("requires a coordinator and a free address", async () => {
    const run = [
      "run",
      fixture("linear-regression"),
      "--out",
      join(await temporaryFolder(), "run"),
    ];
    const memory = await fedclair([...run, "--transport", "memory", "--metrics", "127.0.0.1:0"]);
    assert.equal(memory.code, 2);
    assert.match(memory.stderr, /^error: --metrics: a coordinator serves them/m);
    const bad = await fedclair([...run, "--metrics", "9100"]);
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /^error: --metrics: expected host:port/m);
  });
});

describe("exports read by Python", () => {
  requirePython("exports");

  it("are valid for pyarrow and TensorBoard", async () => {
    const folder = await temporaryFolder();
    const run = join(folder, "run");
    const exported = await fedclair([
      ...["run", join(workspace, "trials/linear-regression/gaussian.yaml"), "--out", run],
      ...["--transport", "memory", "--no-report", "--set", "rounds=3"],
    ]);
    assert.equal(exported.code, 0, exported.stderr);
    for (const to of ["parquet", "tensorboard", "json"]) {
      const { code, stderr } = await fedclair([
        "export",
        run,
        "--to",
        to,
        "--out",
        join(folder, to),
      ]);
      assert.equal(code, 0, stderr);
    }
    const script = `
import json, os, sys
import pyarrow.parquet as parquet
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = sys.argv[1]
clients, rounds = (parquet.read_table(f"{folder}/parquet/{name}.parquet") for name in ("clients", "rounds"))
told = []
for arm in sorted(os.listdir(f"{folder}/tensorboard")):
    events = EventAccumulator(f"{folder}/tensorboard/{arm}")
    events.Reload()
    for tag in events.Tags()["scalars"]:
        told += [[arm, event.step, tag, event.value] for event in events.Scalars(tag)]
print(json.dumps({"clients": clients.num_rows, "rounds": rounds.to_pylist(), "told": told}))
`;
    const python = await installPython("exports");
    assert.ok(python !== undefined);
    const { stdout } = await promisify(execFile)(python, ["-c", script, folder], {
      maxBuffer: 2 ** 26,
    });
    const read = JSON.parse(stdout) as {
      clients: number;
      rounds: Record<string, unknown>[];
      told: [string, number, string, number][];
    };
    const records = await readRecords(run);
    assert.equal(
      read.clients,
      records.reduce((sum, { clients }) => sum + clients.length, 0),
    );
    const lines = (await readFile(join(folder, "json"), "utf8")).trimEnd().split("\n");
    const told: typeof read.told = [];
    lines.forEach((line, i) => {
      const { step, arm, ...numbers } = JSON.parse(line) as Record<string, number> & {
        arm: string;
      };
      for (const [name, value] of Object.entries(numbers)) {
        assert.equal(read.rounds[i]?.[name], value);
        told.push([arm, step ?? 0, name, Math.fround(value)]);
      }
    });
    const sorted = (values: readonly unknown[]) =>
      values.map((value) => JSON.stringify(value)).sort();
    assert.deepEqual(sorted(read.told), sorted(told));
  });
});
