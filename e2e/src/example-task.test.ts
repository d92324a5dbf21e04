import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadBuiltIn } from "@fedclair/plugins";
import type { Plugins } from "@fedclair/core";
import { prepare } from "@fedclair/core/testing";
import { ClientRunner, clientIds, parseTrial, type RoundRecord } from "@fedclair/core/internal";
import { runTrial } from "@fedclair/runs";
import { connectHost, SocketPool } from "@fedclair/wire";
import { meanEstimation } from "./example/mean-estimation.js";
import { workspace } from "./support/paths.js";

const plugins: Plugins = {
  ...(await loadBuiltIn()),
  tasks: new Map([["mean-estimation", meanEstimation]]),
};

/** Runs a trial over a socket, with all its clients on one host. */
async function federate(text: string): Promise<readonly (RoundRecord & { arm: string })[]> {
  const trial = parseTrial(text, "mean-estimation.yaml", plugins);
  const prepared = prepare(trial, plugins);
  const runner = new ClientRunner(prepared);
  const pool = await SocketPool.listen({
    host: "127.0.0.1",
    port: 0,
    clientIds: clientIds(trial.clients),
    trialJson: JSON.stringify(trial),
    log: () => undefined,
    chunkBytes: trial.limits.chunkBytes,
    maxMessageBytes: trial.limits.maxMessageBytes,
  });
  const stop = new AbortController();
  const host = connectHost({
    url: pool.url,
    capacity: trial.clients,
    backends: ["none"],
    softwareVersion: "0.1.0",
    onWelcome: () => runner.prepare(),
    runJobs: (jobs) => runner.runAll(jobs),
    jobsAtOnce: () => runner.maxBatch,
    signal: stop.signal,
  });
  try {
    await pool.ready(stop.signal);
    const records = [];
    for await (const { arm, event } of runTrial(prepared, pool, stop.signal)) {
      if (event.kind === "round") records.push({ arm: arm.label, ...event.record });
    }
    return records;
  } finally {
    await pool.close();
    await host.catch(() => undefined);
  }
}

describe("the example task of docs/own-experiment.md", () => {
  it("gives the results that its trial claims over sockets", async () => {
    const path = join(workspace, "e2e/src/example/mean-estimation.yaml");
    const records = await federate(await readFile(path, "utf8"));
    const error = (arm: string) => records.find((r) => r.arm === arm)?.metrics["error"] ?? NaN;
    assert.ok(error("coordinate-median") < 1, String(error("coordinate-median")));
    assert.ok(error("fedavg") > 3, String(error("fedavg")));
    assert.deepEqual(records[0]?.clients.filter(({ attack }) => attack === "shifted").length, 3);
  });
});
