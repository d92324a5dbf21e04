// npm run lab -- cut-queue [--seconds N]: runs a sweep of forty trials on two workers that share no
// folder, each in a network namespace of its own like the sweep and the Valkey server. Both workers
// and the server are killed once, and one worker loses its network for N seconds (default: 30).
// Tables and runs must be those of one process, and no trial may be delivered twice. Without the
// right to make namespaces, all parts run in one, and the worker is stopped instead of cut.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArguments } from "../../scripts/arguments.js";

const { values } = parseArguments({ options: { seconds: { type: "string", default: "30" } } });
const program = resolve(import.meta.dirname, "../../apps/cli/bin/fedclair.js");
const folder = await mkdtemp(join(tmpdir(), "fedclair-cut-"));
const id = `fc${process.pid % 1e6}`;
const parts = ["server", "sweep", "one", "two"];
const grid = `
name: cut
seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
rounds: 60
clients: 12
task: { name: denoising }
aggregator: [{ name: clair, rank: 3 }, { name: fedavg }]
baselines: [{ label: local, aggregator: { name: local } }]
attacks: [[], [{ attack: { name: gaussian-update }, count: 3 }]]
sweep: { rows: attacks, measures: [error.ratioTo.local] }
`;

const ip = (...args) => execFileSync("ip", args, { stdio: "pipe" });
const bridge = `${id}b`;

/** Gives each part a network namespace on one bridge. @returns false without the right to */
function makeNetworks() {
  try {
    ip("link", "add", bridge, "type", "bridge");
    ip("link", "set", bridge, "up");
    for (const [i, part] of parts.entries()) {
      const [name, end] = [`${id}-${part}`, `${id}v${i}`];
      ip("netns", "add", name);
      ip("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name);
      ip("link", "set", end, "master", bridge, "up");
      ip("-n", name, "addr", "add", `10.231.77.${i + 1}/24`, "dev", "eth0");
      ip("-n", name, "link", "set", "eth0", "up");
      ip("-n", name, "link", "set", "lo", "up");
    }
    return true;
  } catch {
    removeNetworks();
    return false;
  }
}

function removeNetworks() {
  const tries = [
    ["link", "del", bridge],
    ...parts.map((part) => ["netns", "del", `${id}-${part}`]),
  ];
  for (const args of tries) {
    try {
      ip(...args);
    } catch {
      // it was not made
    }
  }
}

const hasNetworks = makeNetworks();
const url = `redis://${hasNetworks ? "10.231.77.1" : "127.0.0.1"}:7391`;
const running = new Set();

/** Starts a program in the namespace and the folder of a part. */
async function startIn(part, ...words) {
  const cwd = join(folder, part);
  await mkdir(cwd, { recursive: true });
  const all = hasNetworks ? ["ip", "netns", "exec", `${id}-${part}`, ...words] : words;
  const child = spawn(all[0], all.slice(1), {
    cwd,
    env: { ...process.env, FEDCLAIR_QUEUE: url, TMPDIR: cwd, HOME: cwd },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  running.add(child);
  const started = { child, text: "", ended: once(child, "close") };
  child.stderr.setEncoding("utf8").on("data", (text) => (started.text += text));
  void started.ended.then(() => running.delete(child));
  return started;
}

const startServer = () =>
  startIn(
    "server",
    ...["valkey-server", "--port", "7391", "--bind", "0.0.0.0", "--protected-mode", "no"],
    ...["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"],
  );
const startWorker = (part) => startIn(part, process.execPath, program, "worker");

async function killPart({ child, ended }) {
  process.kill(-child.pid, "SIGKILL");
  await ended;
}

/** Cuts a worker off for some time. */
async function cut(part, { child }) {
  const end = `${id}v${parts.indexOf(part)}`;
  if (hasNetworks) ip("link", "set", end, "down");
  else process.kill(-child.pid, "SIGSTOP");
  await delay(1000 * Number(values.seconds));
  if (hasNetworks) ip("link", "set", end, "up");
  else process.kill(-child.pid, "SIGCONT");
}

/** Reads what must not depend on who ran the trials. */
async function readBytes(out) {
  const names = (await readdir(out, { recursive: true })).sort();
  const same = /(records\.jsonl|params\.safetensors|summary\.json|trial\.yaml|table\.csv)$/;
  const files = names.filter((name) => same.test(name) && name !== "summary.json");
  const contents = new Map();
  for (const name of files) contents.set(name, await readFile(join(out, name), "base64"));
  return contents;
}

try {
  const file = join(folder, "grid.yaml");
  await writeFile(file, grid);
  const alone = join(folder, "alone");
  const began = performance.now();
  const reference = await startIn(
    "sweep",
    ...[process.execPath, program, "sweep", file],
    ...["--out", alone, "--jobs", "2", "--no-report"],
  );
  await reference.ended;
  const seconds = () => ((performance.now() - began) / 1000).toFixed(0);
  console.log(`one machine: ${seconds()} s`);

  let server = await startServer();
  const out = join(folder, "queued");
  const sweep = await startIn(
    "sweep",
    ...[process.execPath, program, "sweep", file],
    ...["--out", out, "--queue", "--no-report"],
  );
  const workers = [await startWorker("one"), await startWorker("two")];
  const untilDone = async (count) => {
    while (!sweep.text.includes(`\n${count}/40`) && sweep.child.exitCode === null) await delay(20);
    console.log(`${seconds()} s: ${count} trials are done`);
  };
  await untilDone(3);
  await killPart(workers[0]);
  workers.push(await startWorker("one"));
  await untilDone(6);
  await killPart(workers[1]);
  workers.push(await startWorker("two"));
  await untilDone(9);
  await killPart(server);
  server = await startServer();
  await untilDone(12);
  await cut("two", workers.at(-1));
  console.log(
    `${seconds()} s: the worker is back, the sweep ${sweep.child.exitCode === null ? "goes on" : "has ended"}`,
  );
  const [code] = await sweep.ended;
  console.log(`${seconds()} s: the sweep ended with ${code}`);

  const done = workers.flatMap(({ text }) =>
    [...text.matchAll(/([0-9a-f]{16}): done/g)].map(([, trial]) => trial),
  );
  const dropped = workers.flatMap(({ text }) =>
    [...text.matchAll(/[0-9a-f]{16} ends here: [^"]*/g)].map(String),
  );
  const [some, others] = [await readBytes(alone), await readBytes(out)];
  const differing = [...new Set([...some.keys(), ...others.keys()])].filter(
    (name) => some.get(name) !== others.get(name),
  );
  const twice = done.length - new Set(done).size;
  console.log(
    `${some.size} files: ${differing.length} differ${differing.length > 0 ? `: ${differing}` : ""}`,
  );
  console.log(
    `${done.length} trials delivered, ${twice} of them twice; dropped: ${dropped.join("; ") || "none"}`,
  );
  if (code !== 0) console.log(sweep.text);
  process.exitCode =
    code === 0 && differing.length === 0 && some.size === 161 && twice === 0 ? 0 : 1;
} finally {
  for (const child of running) process.kill(-child.pid, "SIGKILL");
  await delay(200);
  removeNetworks();
  await rm(folder, { recursive: true, force: true });
}
