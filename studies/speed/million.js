// npm run lab -- million [--clients N] [--cohort N] [--hosts N] [--set KEY=VALUE…] [--once]
// [--flower N]: runs trials/scale/million.yaml so that every client trains once, kills all its
// processes half-way and resumes it, runs it again undisturbed, and compares the bytes. Prints the
// time per update, the memory, the size of the records and the time of the report. --once leaves
// the undisturbed run out. --flower adds Flower's simulation of that many clients, next to fedclair
// with FedAvg. Needs Linux, for the memory.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { readTimings } from "../../bench/harness/fedclair.js";
import { installFlower } from "../../bench/harness/python.js";
import { lrMnist } from "../../bench/lr-mnist/data.js";
import { parseArguments } from "../../scripts/arguments.js";

const root = resolve(import.meta.dirname, "../..");
const program = join(root, "apps/cli/bin/fedclair.js");
const folder = join(root, "runs/million");
const file = join(root, "trials/scale/million.yaml");

const { values } = parseArguments({
  options: {
    clients: { type: "string", default: "1500000" },
    cohort: { type: "string", default: "10000" },
    hosts: { type: "string", default: "1" },
    set: { type: "string", multiple: true, default: [] },
    once: { type: "boolean", default: false },
    flower: { type: "string" },
  },
});
const clients = Number(values.clients);
const cohort = Number(values.cohort);
const rounds = Math.ceil(clients / cohort);

/** Options of `fedclair run` for a pass over some clients. */
const pass = (count, size, more = []) =>
  [
    `clients=${count}`,
    `cohort.count=${size}`,
    `rounds=${Math.ceil(count / size)}`,
    ...more,
  ].flatMap((setting) => ["--set", setting]);

/**
 * Runs a command with all its processes, and measures the time and the largest memory of them
 * together.
 * @param isOver asked a few times a second; if it returns true, all processes are killed
 */
async function runCommand(args, isOver = async () => false) {
  const began = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr = (stderr + text).slice(-5000)));
  let ended;
  const end = new Promise((done) =>
    child.once("close", (code, signal) => done((ended = code ?? signal))),
  );
  let [bytes, killed] = [0, false];
  while (ended === undefined) {
    bytes = Math.max(bytes, await groupMemory(child.pid));
    if (!killed && (await isOver())) {
      killed = true;
      process.kill(-child.pid, "SIGKILL");
    }
    await Promise.race([end, delay(200)]);
  }
  if (ended !== 0 && !killed) throw new Error(`${args.join(" ")} ended with ${ended}:\n${stderr}`);
  return { seconds: (performance.now() - began) / 1000, bytes };
}

/** Adds up the resident memory of the processes of a group. */
async function groupMemory(group) {
  let bytes = 0;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const read = (name) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "");
    const [, , own] = (await read("stat")).split(") ")[1]?.split(" ") ?? [];
    if (own !== String(group)) continue;
    bytes += 4096 * Number((await read("statm")).split(" ")[1] ?? 0);
  }
  return bytes;
}

async function countRounds(out) {
  if (!existsSync(join(out, "timings.jsonl"))) return 0;
  return (await readFile(join(out, "timings.jsonl"), "utf8")).split("\n").length - 1;
}

/** The SHA-256 of every result of a run, by name, and the bytes of its records. */
async function readResults(out) {
  const files = ["records.jsonl", "params.safetensors", "summary.json"];
  let bytes = 0;
  const hashes = new Map();
  for (const name of files) {
    const content = await readFile(join(out, name));
    if (name.startsWith("records")) bytes += content.length;
    hashes.set(name, createHash("sha256").update(content).digest("hex"));
  }
  return { bytes, hashes };
}

/** Runs the trial again without a kill. @returns whether all results have the same bytes */
async function compareUndisturbed() {
  const undisturbed = await runCommand(run(whole));
  const memory = megabytes(undisturbed.bytes);
  print("undisturbed", `${undisturbed.seconds.toFixed(0)} s, memory ${memory}`);
  const other = await readResults(whole);
  const differing = [...results.hashes].filter(([name, hash]) => other.hashes.get(name) !== hash);
  const isSame = differing.length === 0 && other.hashes.size === results.hashes.size;
  print("same bytes", isSame ? `yes, ${results.hashes.size} files` : `no: ${differing.join(" ")}`);
  return isSame;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
const print = (what, text) => console.log(`${what.padEnd(34)} ${text}`);

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const [cut, whole] = [join(folder, "cut"), join(folder, "whole")];
const how = ["--hosts", values.hosts, "--no-report"];
const run = (out) => ["run", file, ...pass(clients, cohort, values.set), "--out", out, ...how];

print("clients, cohort, rounds, hosts", [clients, cohort, rounds, values.hosts].join(", "));
const first = await runCommand(run(cut), async () => (await countRounds(cut)) >= rounds / 2);
print("killed", `after ${await countRounds(cut)} rounds, ${first.seconds.toFixed(0)} s`);
const rest = await runCommand(["resume", cut, ...how]);
const both = first.seconds + rest.seconds;
print(
  "whole pass, with the kill",
  `${both.toFixed(0)} s, ${((1000 * both) / clients).toFixed(3)} ms per client`,
);
print("memory of all processes", megabytes(Math.max(first.bytes, rest.bytes)));
const results = await readResults(cut);
print(
  "records",
  `${megabytes(results.bytes)}, ${(results.bytes / clients).toFixed(1)} bytes per client`,
);

const isSame = values.once || (await compareUndisturbed());
const finished = values.once ? cut : whole;
const timings = await readTimings(finished);
const perUpdate = (lines) => {
  const seconds = lines.map(({ seconds: s, writeSeconds }) => s.train + s.aggregate + writeSeconds);
  return (1000 * seconds.reduce((a, b) => a + b, 0)) / lines.length / cohort;
};
const tenth = Math.max(1, Math.floor(timings.length / 10));
const ends = [timings.slice(1, 1 + tenth), timings.slice(-tenth)].map((lines) => perUpdate(lines));
print("an update, first and last tenth", ends.map((ms) => `${ms.toFixed(3)} ms`).join(", "));
const rss = [1, timings.length].map((n) => timings[n - 1].coordinatorRss);
print("coordinator, first and last round", rss.map(megabytes).join(", "));

const report = await runCommand(["report", finished]);
print(
  "report",
  `${report.seconds.toFixed(1)} s, ${megabytes(report.bytes)}; page ${megabytes((await stat(join(finished, "report.html"))).size)}`,
);
const summary = JSON.parse(await readFile(join(finished, "summary.json"), "utf8"));
for (const name of ["recallOfClients", "falseAlarmsOfClients", "recallMean", "falseAlarmsMean"])
  print(name, String(summary.measures[`detection.${name}`]));

if (values.flower !== undefined) {
  const count = Number(values.flower);
  const size = Math.min(1000, count);
  const out = join(folder, "slice");
  const settings = ["aggregator={ name: fedavg }", "attacks=[]"];
  const own = await runCommand(["run", file, ...pass(count, size, settings), "--out", out, ...how]);
  print(
    `fedclair, ${count} clients, FedAvg`,
    `${own.seconds.toFixed(1)} s, ${megabytes(own.bytes)}`,
  );
  const python = await installFlower();
  const { folder: data } = await lrMnist();
  const app = join(root, "bench/peers/flower_lr_mnist.py");
  const args = [app, data, String(count), String(size), String(Math.ceil(count / size))];
  const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 2 ** 30 });
  const { ms, versions } = JSON.parse(stdout.trim().split("\n").at(-1));
  print(`Flower ${versions.Flower}, ${count} clients`, `${(ms / 1000).toFixed(1)} s`);
}
process.exit(isSame ? 0 : 1);
