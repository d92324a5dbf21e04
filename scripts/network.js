// npm run lab -- network [--times N] [--seed N]: runs hosts in network namespaces, over TLS, with
// more capacity than clients. In each run one host is disconnected for a while or for good, hangs,
// or has a line that breaks or is slow. The script reports how many rounds were late, whether the
// records of clients that were not lost equal those of an undisturbed run, and whether every loss
// is reported. First it captures the traffic with tcpdump: with TLS, nothing may be readable. It is
// skipped where namespaces are not permitted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stream } from "@fedclair/linalg";
import { parseArguments } from "./arguments.js";
import { workspace } from "./fingerprint/trials.js";
import { listening, logOf } from "./log-of.js";
import { Machine, mayMakeMachines } from "./network/namespaces.js";
import { Proxy } from "./network/proxy.js";

const text = { type: "string" };
const { values } = parseArguments({
  options: { times: { ...text, default: "100" }, seed: { ...text, default: "1" } },
});
if (!(await mayMakeMachines())) {
  console.log("network: skipped, as network namespaces are not permitted here");
  process.exit(0);
}
const program = (app) => join(workspace, `apps/${app}/dist/src/main.js`); // not bin/: a signal must hit the app, not its parent
const rng = stream(Number(values.seed)).at("network");
const folder = await mkdtemp(join(tmpdir(), "fedclair-network-"));
const machines = [0, 1, 2].map((index) => new Machine(index));
const token = "the token of the hosts of this network";
const trial = [
  join(workspace, "trials/linear-regression/gaussian.yaml"),
  ...["rounds=30", "clients=12", "attacks=[]", "baselines=[]", "aggregator={name: local}"].flatMap(
    set,
  ),
  ...["limits.answerSeconds=2", "limits.clientSeconds=1.5", "task.samples=400"].flatMap(set),
];

function set(change) {
  return ["--set", change];
}

/** Starts a program. @returns the process, its log, and a promise of its exit code */
function start([command, ...args], level = "info") {
  const child = spawn(command, args, {
    env: { ...process.env, FEDCLAIR_TOKEN: token, FEDCLAIR_LOG: level },
    stdio: ["ignore", "ignore", "pipe"],
  });
  return {
    child,
    log: logOf(child),
    end: once(child, "close").then(([code, signal]) => code ?? signal),
  };
}

/** Starts a coordinator, and on each machine a host behind a proxy. */
async function startFederation(out, { tls = true } = {}) {
  const secure = tls
    ? [
        "--tls-cert",
        join(folder, "coordinator.pem"),
        "--tls-key",
        join(folder, "coordinator-key.pem"),
      ]
    : ["--insecure"];
  const coordinator = start([
    ...[process.execPath, program("coordinator"), ...trial, "--out", out, "--no-report"],
    ...["--listen", "0.0.0.0:0", ...secure],
  ]);
  const [, url] = await coordinator.log.waitFor(listening);
  const { port } = new URL(url);
  const hosts = await Promise.all(
    machines.map(async (machine) => {
      const proxy = await Proxy.listen(machine.gateway, { host: "127.0.0.1", port: Number(port) });
      const url = `${tls ? "https" : "http"}://${machine.gateway}:${proxy.port}`;
      const ca = tls ? ["--tls-ca", join(folder, "ca.pem")] : [];
      const client = [program("client"), "--coordinator", url, "--capacity", "12", ...ca];
      return { machine, proxy, ...start(machine.command(process.execPath, ...client), "silent") };
    }),
  );
  return { coordinator, hosts };
}

/**
 * Faults of a host while its trial runs. Each promise resolves when the fault has ended, if it
 * does.
 */
const faults = {
  "cut off for 3 s": async ({ machine }) => {
    await machine.pull();
    await delay(3000);
    await machine.plug();
  },
  "cut off for good": ({ machine }) => machine.pull(),
  "hangs for 3 s": async ({ child }) => {
    process.kill(child.pid, "SIGSTOP");
    await delay(3000);
    process.kill(child.pid, "SIGCONT");
  },
  "hangs for good": async ({ child }) => void process.kill(child.pid, "SIGSTOP"),
  "a line that breaks ten times": async ({ proxy }) => {
    for (let i = 0; i < 10; i++) {
      proxy.cut();
      await delay(rng.uniform() * 500);
    }
  },
  "a line that is 150 ms slower": async ({ proxy }) => {
    proxy.delay = 150;
    await delay(2000);
    proxy.delay = 0;
  },
};

async function readRounds(out) {
  const lines = (await readFile(join(out, "records.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line).clients);
}

async function run(fault) {
  const out = join(folder, "run");
  await rm(out, { recursive: true, force: true });
  const { coordinator, hosts } = await startFederation(out);
  try {
    if (fault) {
      await coordinator.log.waitFor(new RegExp(`local round ${2 + rng.int(20)}\\b`));
      const done = fault(hosts[rng.int(hosts.length)]);
      await Promise.race([done, coordinator.end]);
    }
    const code = await coordinator.end;
    const summary = JSON.parse(await readFile(join(out, "summary.json"), "utf8"));
    return { code, summary, rounds: await readRounds(out) };
  } finally {
    for (const { child, proxy, machine } of hosts) {
      proxy.close();
      await machine.plug();
      child.kill("SIGKILL");
    }
    coordinator.child.kill("SIGKILL");
    await Promise.all(hosts.map(({ end }) => end));
  }
}

/** @returns the problems of a run, its late rounds and its losses */
function judgeRun({ code, summary, rounds }, whole) {
  const isLost = ({ failure, evaluationFailure }) =>
    (failure ?? evaluationFailure ?? null) !== null;
  const lost = new Set(
    rounds
      .flat()
      .filter(isLost)
      .map(({ clientId }) => clientId),
  );
  const late = rounds.filter((clients) => clients.some(isLost)).length;
  const losses = rounds.flat().filter(isLost).length;
  const faulty = [];
  if (rounds.length !== whole.rounds.length) faulty.push(`${rounds.length} rounds`);
  if (late > 2) faulty.push(`${late} rounds late`);
  if (summary.measures["clients.lost"] !== losses) faulty.push("a loss is missing in the summary");
  if (code !== (losses > 0 ? 5 : 0)) faulty.push(`exit code ${code} with ${losses} losses`);
  const unaffected = (clients) =>
    JSON.stringify(clients.filter(({ clientId }) => !lost.has(clientId)));
  const changed = rounds.filter(
    (clients, i) => unaffected(clients) !== unaffected(whole.rounds[i]),
  ).length;
  if (changed > 0) faulty.push(`${changed} rounds of unaffected clients changed`);
  return { faulty, late, losses };
}

/**
 * Captures the traffic of the first machine during a trial.
 * @returns its size and which secrets or names it shows in clear; undefined without tcpdump
 */
async function capture(tls) {
  const [machine] = machines;
  const file = join(folder, "capture");
  const tcpdump = spawn("tcpdump", ["-i", machine.cable, "-U", "-w", file, "-s", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const isThere = await Promise.race([
    once(tcpdump, "error").then(() => false),
    once(tcpdump.stderr, "data").then(() => true),
  ]);
  if (!isThere) return undefined;
  const out = join(folder, "captured");
  await rm(out, { recursive: true, force: true });
  const { coordinator, hosts } = await startFederation(out, { tls });
  await coordinator.end;
  await Promise.all(hosts.map(({ end }) => end));
  for (const { proxy } of hosts) proxy.close();
  tcpdump.kill("SIGINT");
  await once(tcpdump, "close");
  const bytes = await readFile(file);
  const isInClear = ([, secret]) =>
    bytes.includes(secret) || unmask(bytes).includes(unmask(Buffer.from(secret)));
  const secrets = {
    "the token": token,
    "the trial": "linear-regression-gaussian",
    "a module's name": "weights",
  };
  const found = Object.entries(secrets).filter(isInClear);
  return { megabytes: bytes.length / 1e6, inClear: found.map(([name]) => name) };
}

/**
 * XORs each byte with the fourth one after it. Websocket clients mask data with four repeated
 * bytes, which this cancels, so that masked and plain text can be compared.
 */
function unmask(bytes) {
  return Buffer.from(bytes.subarray(4).map((byte, i) => byte ^ bytes[i]));
}

let failed = 0;
try {
  for (const machine of machines) await machine.make();
  const names = machines.map(({ gateway }) => gateway).join(",");
  await makeCertificates(`coordinator=${names}`);
  for (const tls of [false, true]) {
    const found = await capture(tls);
    const how = tls ? "with TLS" : "without TLS";
    if (!found) {
      console.log("capture: skipped because tcpdump is not installed");
      break;
    }
    const isWrong = found.inClear.length > 0 === tls;
    if (isWrong) failed++;
    console.log(
      `capture ${how}: ${found.megabytes.toFixed(1)} MB, in clear: ${found.inClear.join(", ") || "nothing"}`,
    );
  }
  const whole = await run();
  const kinds = Object.keys(faults);
  const most = { late: 0, losses: 0 };
  for (let i = 0; i < Number(values.times); i++) {
    const kind = kinds[i % kinds.length];
    const { faulty, late, losses } = judgeRun(await run(faults[kind]), whole);
    most.late = Math.max(most.late, late);
    most.losses = Math.max(most.losses, losses);
    if (faulty.length > 0) failed++;
    console.log(
      `${i + 1} ${kind}: ${late} late rounds, ${losses} losses${faulty.length > 0 ? `: WRONG: ${faulty.join("; ")}` : ""}`,
    );
  }
  console.log(
    `${values.times} times: ${failed} wrong, at most ${most.late} late rounds and ${most.losses} losses`,
  );
} finally {
  for (const machine of machines) await machine.remove();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

async function makeCertificates(name) {
  const script = spawn("bash", [join(workspace, "scripts/certificates.sh"), folder, name], {
    stdio: "ignore",
  });
  const [code] = await once(script, "close");
  if (code !== 0) throw new Error("openssl could not make certificates");
}
