import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { indices } from "@fedclair/linalg";
import { defaultLimits, hostTrial, ScriptedCoordinator } from "@fedclair/wire/testing";
import { workspace } from "./support/paths.js";
import { hasProc } from "./support/processes.js";
import { installPython, requirePython } from "./support/python.js";

/** A Python host of clients that do not answer. */
async function startHost(url: string) {
  const python = (await installPython()) ?? "";
  const args = ["conformance:make_client", "--coordinator", url, "--capacity", "2"];
  const child = spawn(python, ["-m", "fedclair_host", ...args, "--backend", "none"], {
    cwd: join(workspace, "apps/client-python/tests"),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (said: string) => {
    text += said;
  });
  const ended = once(child, "close").then(([code]: unknown[]) => ({ code, text }));
  const readPeak = () => {
    const status = readFileSync(`/proc/${String(child.pid)}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  };
  return { ended, readPeak, stop: () => child.kill("SIGKILL") };
}

describe("A Python host whose coordinator is hostile", function () {
  requirePython();

  const [seconds, chunk] = [{ clientSeconds: "x" }, { chunkBytes: 0 }];
  const huge = { chunkBytes: 2 ** 32 - 1, maxMessageBytes: 2 ** 32 - 1 };
  for (const [what, trial, limits, message] of [
    ["no JSON", "{", {}, /expected a trial as JSON/],
    ["JSON that is nested too deep", "[".repeat(9000), {}, /expected a trial as JSON/],
    ["a list", "[]", {}, /trial: expected an object in the trial, got list/],
    ["no task", { task: "external" }, {}, /task: expected an object in the trial, got str/],
    ["no limits", { limits: 3 }, {}, /limits: expected an object in the trial, got int/],
    ["no seconds", { limits: seconds }, {}, /limits\.clientSeconds: expected seconds up to/],
    ["empty frames", {}, chunk, /expected a limit of 1 to 67108864 bytes for a frame, got 0/],
    ["huge frames", {}, huge, /expected a limit of 1 to \d+ bytes for a frame, got 4294967295/],
  ] as const)
    it(`ends with exit code 2 and one line if it sends ${what}`, async () => {
      const json = typeof trial === "string" ? trial : JSON.stringify({ ...hostTrial, ...trial });
      const coordinator = await ScriptedCoordinator.listen(json, { ...defaultLimits, ...limits });
      const host = await startHost(coordinator.url);
      try {
        const { code, text } = await host.ended;
        assert.equal(code, 2, text);
        assert.match(text, message);
        assert.equal(text.trim().split("\n").length, 1, text);
      } finally {
        host.stop();
        await coordinator.close();
      }
    });

  it("keeps a bounded number of bases and jobs, and refuses others", async () => {
    const limits = { ...defaultLimits, maxMessageBytes: 2 ** 23 };
    const coordinator = await ScriptedCoordinator.listen(JSON.stringify(hostTrial), limits);
    const host = await startHost(coordinator.url);
    try {
      const connection = await coordinator.host();
      const params = new Map([["w", { shape: [2 ** 20], data: new Float32Array(2 ** 20) }]]);
      const replies: string[] = [];
      for (const id of indices(40))
        replies.push(await connection.send({ type: "base", id, params }));
      assert.equal(replies.filter((reply) => reply === "accepted").length, 23, String(replies));
      assert.equal(replies.at(-1), "OVERSIZE");
      const jobs = indices(100).map((id) =>
        connection.send({
          type: "clientJob",
          id,
          clientId: "c01",
          clientIndex: 1,
          clientCount: 4,
          round: 1,
          phase: "silent",
          kind: "train",
          seed: 1,
          commonSeed: 1,
          baseId: 0,
          rounds: [],
        }),
      );
      const accepted = (await Promise.all(jobs)).filter((reply) => reply === "accepted");
      assert.equal(accepted.length, 64);
      if (hasProc) assert.ok(host.readPeak() < 300, `${host.readPeak()} MiB`);
      await connection.send({ type: "trialEnd", exitCode: 256, reason: "over" });
      assert.equal((await host.ended).code, 255);
    } finally {
      host.stop();
      await coordinator.close();
    }
  });
});
