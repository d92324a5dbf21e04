// npm run lab -- strangers [--silent N] [--guesses N] [--oversize N]: a coordinator that may open
// 1,024 files runs a trial with one host while strangers connect: silent connections, Joins that
// claim to be 100 MB, and guesses of the token. It prints how long a round takes meanwhile, how
// strangers were answered, and the size of the log.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messages } from "@fedclair/wire/testing";
import { Manager } from "socket.io-client";
import { parseArguments } from "../../scripts/arguments.js";

const { values } = parseArguments({
  options: {
    silent: { type: "string", default: "5000" },
    guesses: { type: "string", default: "5000" },
    oversize: { type: "string", default: "5000" },
  },
});
const workspace = join(import.meta.dirname, "../..");
const folder = await mkdtemp(join(tmpdir(), "fedclair-strangers-"));

function fedclair(...args) {
  const program = join(workspace, "apps/cli/bin/fedclair.js");
  const line = `ulimit -n 1024; exec "$0" "$@"`;
  return spawn("bash", ["-c", line, process.execPath, program, ...args], {
    cwd: workspace,
    env: { ...process.env, FEDCLAIR_TOKEN: "the token of the hosts" },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

const coordinator = fedclair(
  ...["coordinator", "e2e/fixtures/long.yaml", "--set", "rounds=1000000", "--no-report"],
  ...["--set", "evaluate=never", "--checkpoint-every", "100", "--out", join(folder, "run")],
);
let log = "";
coordinator.stderr.setEncoding("utf8").on("data", (text) => (log += text));
async function waitFor(pattern) {
  for (;;) {
    const found = pattern.exec(log);
    if (found) return found;
    await once(coordinator.stderr, "data");
  }
}
const [, url] = await waitFor(/listening on (https?:[^"\s]+)/);
const host = fedclair("client", "--coordinator", url, "--capacity", "8");
host.stderr.resume();
process.once("exit", () => [coordinator, host].forEach((child) => child.kill("SIGKILL")));
await waitFor(/round 20:/);

const countRounds = () => Number([...log.matchAll(/round (\d+):/g)].at(-1)?.[1] ?? 0);
/** Counts the log without the lines about rounds, which are the trial's own. */
const countLogBytes = () => log.replaceAll(/^.*round \d+:.*\n/gm, "").length;

/** Strangers have an address of their own, or the limits would hit this machine's host. */
const localAddress = "127.0.0.77";
const { hostname, port } = new URL(url);

/** Opens connections that send nothing. @returns how many were closed, and when the last was */
async function connectSilently(count) {
  const lives = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      await delay((i * 4000) / count);
      const begin = performance.now();
      const socket = connect({ host: hostname, port: Number(port), localAddress });
      socket.on("error", () => undefined);
      // The system may forget a connection that waits, and says so only when it sends something.
      socket.setTimeout(30_000, () => socket.write("x"));
      await once(socket, "close");
      return (performance.now() - begin) / 1000;
    }),
  );
  return `closed ${lives.length}, the last after ${Math.max(...lives).toFixed(1)} s`;
}

/** Sends a message from each of `count` strangers, ten at a time. @returns answers by kind */
async function knock(count, messageOf) {
  const answers = new Map();
  let left = count;
  const one = async (n) => {
    const options = { reconnection: false, timeout: 5000, localAddress };
    const manager = new Manager(url, { transports: ["websocket"], ...options });
    const socket = manager.socket("/");
    const answer = await new Promise((resolve) => {
      socket.on("connect", () => {
        socket.timeout(5000).emit("frame", messageOf(n), (fault, reply) => {
          if (fault) return resolve("no reply");
          const { failure } = messages.v1.Reply.decode(new Uint8Array(reply));
          resolve(failure ? `code ${failure.code}` : "accepted");
        });
      });
      manager.on("error", () => resolve("rejected"));
      socket.on("disconnect", () => resolve("closed"));
    });
    socket.disconnect();
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  };
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      while (left > 0) await one(left--);
    }),
  );
  return [...answers].map(([answer, n]) => `${answer} ${n}`).join(", ");
}

function joinFrame(token, claimed) {
  const { HostMessage, Frame } = messages.v1;
  const hello = { protocolVersion: 2, token, capacity: 1, backends: ["wasm"] };
  const payload = HostMessage.encode({ join: { ...hello, softwareVersion: "test" } }).finish();
  return Frame.encode({ transfer: 1, total: claimed ?? payload.length, payload }).finish();
}

/** @returns the rounds a second while `work` runs, and its result */
async function measurePace(work) {
  const [first, begin] = [countRounds(), performance.now()];
  const outcome = await work();
  return { pace: (1000 * (countRounds() - first)) / (performance.now() - begin), outcome };
}

const { pace: alone } = await measurePace(() => delay(10_000));
console.log(`alone: ${alone.toFixed(1)} rounds a second`);
for (const [what, work] of [
  ["silent connections", () => connectSilently(Number(values.silent))],
  ["oversize joins", () => knock(Number(values.oversize), () => joinFrame("x", 1e8))],
  ["guesses", () => knock(Number(values.guesses), (n) => joinFrame(`guess ${n}`))],
]) {
  const before = countLogBytes();
  const { pace, outcome } = await measurePace(work);
  const written = countLogBytes() - before;
  if (alone / pace > 1.5 || written > 1e6) process.exitCode = 1;
  const slower = (alone / pace).toFixed(2);
  console.log(`${what}: ${outcome}; a round takes ${slower} times as long; ${written} B of log`);
}
coordinator.kill("SIGINT");
await once(coordinator, "close");
await rm(folder, { recursive: true });
console.log(`the coordinator ended with ${coordinator.exitCode} after ${countRounds()} rounds`);
process.exit(coordinator.exitCode === 130 ? process.exitCode : 1);
