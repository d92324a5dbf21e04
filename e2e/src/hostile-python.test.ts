import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { exitCodes } from "@fedclair/core/internal";
import { start } from "./support/command.js";
import { listFailures, readRecords } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { hasProc, listChildren, listProcesses, waitUntilGone } from "./support/processes.js";
import { installPython, requirePython } from "./support/python.js";

const tests = join(workspace, "apps/client-python/tests");

/** Whether the system keeps signals of clients inside their process (confine.py). */
async function confines(): Promise<boolean> {
  const code = "from fedclair_host.confine import *; print(keep_signals_inside())";
  const { stdout } = await promisify(execFile)((await installPython()) ?? "", ["-c", code]);
  return stdout === "True\n";
}

const trial = `name: hostile
rounds: 3
clients: 20
python: { clients: "hostile:make_client", folder: ${tests} }
task: { name: external }
aggregator: { name: fedavg }
evaluate: never
limits: { clientSeconds: 0.5, answerSeconds: 20, quorum: 0.25 }
`;

describe("Python clients that do not return, or end their process", function () {
  requirePython();

  /** Runs the trial, in which some clients of hostile.py act. */
  async function run(act: string, more: NodeJS.ProcessEnv = {}) {
    const out = join(await temporaryFolder(), "run");
    const file = `${out}.yaml`;
    await writeFile(file, trial);
    const python = (await installPython()) ?? "";
    const args = ["run", file, "--hosts", "2", "--no-report", "--out", out, "--python", python];
    const mark = `hostile-${String(process.pid)}-${act.replaceAll(" ", "-")}`;
    const command = start(args, { env: { ACT: act, MARK: mark, ...more } });
    const { code, stderr } = await command.ended;
    if (hasProc) await waitUntilGone(listProcesses(`MARK=${mark}`).map(({ pid }) => pid));
    return { code, stderr, rounds: (await readRecords(out)).map(listFailures) };
  }

  for (const [client, what, fault, said] of [
    ["c01", "swallows every exception", "CLIENT_HUNG", "did not return within 0.5 s"],
    ["c03", "ignores SIGALRM", "CLIENT_HUNG", "did not return within 0.5 s"],
    ["c05", "blocks in native code", "CLIENT_HUNG", "did not return within 0.5 s"],
    ["c07", "stops itself", "CLIENT_HUNG", "did not return within 0.5 s"],
    ["c09", "exits", "CLIENT_ERROR", "it ended its process with 7 (train of c09 in round 1)"],
    ["c11", "has a fault in native code", "CLIENT_ERROR", "it ended its process with SIGSEGV"],
    ["c13", "kills itself", "CLIENT_ERROR", "it ended its process with SIGKILL"],
    ["c18", "closes all files", "CLIENT_ERROR", "it ended its process with 1"],
    ["c02", "writes to all files", "CLIENT_ERROR", "it writes to files that it has not opened"],
  ] as const)
    it(`fail alone, by name, and do not run again: one that ${what}`, async () => {
      const { code, stderr, rounds } = await run(client);
      assert.equal(code, exitCodes.lost, stderr);
      assert.deepEqual(rounds, new Array(3).fill([`${client} ${fault}`]));
      const named = stderr.split("\n").filter((line) => line.includes(said));
      assert.ok(named[0]?.includes(`${client}, round 1: ${fault}: `), stderr);
      // It ran in the first round, and never again.
      for (const line of named.slice(1)) assert.ok(line.includes("not run again"), line);
    });

  for (const [client, signal] of [
    ["c04", "SIGKILL"],
    ["c06", "SIGTERM"],
    ["c08", "SIGSTOP"],
  ] as const)
    it(`cannot send ${signal} to their host`, async function () {
      if (!(await confines())) this.skip();
      const { code, stderr, rounds } = await run(client);
      assert.equal(code, exitCodes.lost, stderr);
      assert.deepEqual(rounds, new Array(3).fill([`${client} CLIENT_ERROR`]));
      assert.match(stderr, new RegExp(`${client}, round 3: CLIENT_ERROR: PermissionError`));
    });

  it("fail alone if they are six of twenty", async () => {
    const six = ["c01", "c03", "c05", "c07", "c09", "c11"];
    const { code, stderr, rounds } = await run(six.join(" "));
    assert.equal(code, exitCodes.lost, stderr);
    for (const failures of rounds)
      assert.deepEqual(
        failures.map((failure) => failure.split(" ")[0]),
        six,
      );
  });

  it("leave no process behind if they fork", async () => {
    const { code, stderr, rounds } = await run("c15");
    assert.equal(code, 0, stderr);
    assert.deepEqual(rounds, [[], [], []]);
  });

  for (const [client, what] of [
    ["c10", "a thread that ends the process"],
    ["c12", "a thread that writes to all files"],
    ["c14", "a process that ends the one of all clients"],
    ["c16", "a process that stops the one of all clients"],
  ] as const)
    it(`have no other client fail for what they leave behind: ${what}`, async function () {
      const isThread = what.includes("thread");
      if (!isThread && !hasProc) this.skip();
      const { code, stderr, rounds } = await run(client, { SLOW: "1" });
      assert.equal(code, 0, stderr);
      assert.deepEqual(rounds, [[], [], []]);
      const named = `${client}: left threads running (\\x1blate), which may disturb other clients`;
      assert.equal(stderr.split(named).length, isThread ? 2 : 1, stderr);
      if (isThread) assert.ok(stderr.includes(`while threads of ${client} ran`), stderr);
    });

  it("do not control the terminal", async () => {
    const { code, stderr } = await run("c17");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^\\x1b\[2J\\x1b\]0;title\\x07owned\nby \\x9b31mme$/m);
    assert.doesNotMatch(stderr.replaceAll("\n", ""), /\p{Cc}/u);
  });

  it("do not run changed code, neither in a new process nor on a new host", async () => {
    for (const who of ["client", "host"]) {
      const folder = await temporaryFolder();
      const module = join(folder, "changing.py");
      const file = join(folder, "trial.yaml");
      const source = `import os, signal, time, numpy as np
from fedclair_host import Client, Update

class Changing(Client):
    def __init__(self, index):
        pass

    def initial(self, job):
        return {"w": np.zeros(2)}

    def train(self, params, job):
        if job.client_id == "c01" and job.round == 2:
            with open(${JSON.stringify(module)}, "a") as module:
                module.write("# changed\\n")
            print("changed", flush=True)
            ${who === "client" ? "os.kill(os.getpid(), signal.SIGKILL)" : "time.sleep(1000)"}
        return Update(1, {"w": np.ones(2)})
`;
      await writeFile(module, source);
      const own = trial.replace(/python: .*/, "python: changing:Changing");
      await writeFile(
        file,
        own.replace("clients: 20", "clients: 4").replace(/limits: .*/, "limits: { quorum: 1 }"),
      );
      const python = (await installPython()) ?? "";
      const out = join(folder, "run");
      const args = ["run", file, "--hosts", "1", "--no-report", "--out", out, "--python", python];
      const command = start(args);
      await command.waitForOutput(/^changed$/m);
      for (const { pid, args: words } of who === "host" ? listChildren(command.pid) : [])
        if (words.includes("fedclair_command")) process.kill(pid, "SIGKILL");
      const { code, stderr } = await command.ended;
      assert.equal(code, exitCodes.usage, stderr);
      assert.match(stderr, /changing(\.py:)? (has )?changed since/);
      assert.match(stderr, /restore it, or run the trial again, which makes another run/);
      assert.equal((await readRecords(out)).length, 1);
    }
  });
});
