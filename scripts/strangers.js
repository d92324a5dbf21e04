// npm run lab -- strangers [--silent N] [--guesses N] [--oversize N]: a coordinator that may open
// 1,024 files runs a trial with one host while strangers connect: silent connections, guesses of
// the token, and Joins that claim to be 100 MB. The script reports how long a round takes meanwhile
// (on the same machine), how many guesses were answered, when silent connections were closed, and
// the size of the log.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Manager } from "socket.io-client";
import { parseArguments } from "./arguments.js";
import { encodeFrame } from "../libs/wire/dist/src/codec/frame.js";
import { encodeJoin } from "../libs/wire/dist/src/codec/host-message.js";
import { decodeReply } from "../libs/wire/dist/src/codec/reply.js";
import { goodJoin } from "../libs/wire/dist/testing/raw-host.js";
import { workspace } from "./fingerprint/trials.js";
import { listening, logOf } from "./log-of.js";

const text = { type: "string" };
const { values } = parseArguments({
  options: {
    silent: { ...text, default: "5000" },
    guesses: { ...text, default: "10000" },
    oversize: { ...text, default: "10000" },
  },
});
const program = join(workspace, "apps/cli/bin/fedclair.js");
const trial = join(workspace, "e2e/fixtures/long.yaml");
const folder = await mkdtemp(join(tmpdir(), "fedclair-strangers-"));
const env = { ...process.env, FEDCLAIR_TOKEN: "the token of the hosts" };

function fedclair(command, ...args) {
  const line = `ulimit -n 1024; exec "$0" "$@"`;
  const child = spawn("bash", ["-c", line, process.execPath, program, command, ...args], {
    cwd: workspace,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  return { child, log: logOf(child) };
}

const set = ["--set", "rounds=1000000", "--set", "evaluate=never", "--no-report"];
const { child: coordinator, log } = fedclair(
  ...["coordinator", trial, ...set, "--checkpoint-every", "100", "--out", join(folder, "run")],
);
const [, url] = await log.waitFor(listening);
const { child: host } = fedclair("client", "--coordinator", url, "--capacity", "8");
const countRounds = () => Number([...log.text.matchAll(/round (\d+):/g)].at(-1)?.[1] ?? 0);
await log.waitFor(/round 20:/);

/** Measures rounds per second while `work` runs. */
async function measurePace(work) {
  const [first, begin] = [countRounds(), performance.now()];
  await work();
  return (1000 * (countRounds() - first)) / (performance.now() - begin);
}

/** Counts the log without the lines about rounds, which are the trial's own. */
const countLogBytes = () => log.text.replaceAll(/^.*round \d+:.*\n/gm, "").length;

const { hostname, port } = new URL(url);
/** Strangers use an address of their own. Otherwise the limits would hit this machine's hosts. */
const localAddress = "127.0.0.77";

/** Three times as long as a coordinator keeps a silent connection. */
const forgottenMs = 30_000;

async function connectSilently(count) {
  const lives = [];
  let dropped = 0;
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      await delay((i * 4000) / count);
      const begin = performance.now();
      const socket = connect({ host: hostname, port: Number(port), localAddress });
      socket.on("error", () => undefined);
      // If too many connections wait, the system forgets some. It tells their other end only when
      // that sends something.
      let isForgotten = false;
      socket.setTimeout(forgottenMs, () => {
        isForgotten = true;
        socket.write("x");
      });
      await once(socket, "close");
      if (isForgotten) dropped++;
      else lives.push((performance.now() - begin) / 1000);
    }),
  );
  const rest = dropped > 0 ? `, ${dropped} never accepted` : "";
  return `${lives.length} closed, the last after ${Math.max(...lives).toFixed(1)} s${rest}`;
}

const hello = { ...goodJoin, capacity: 1, backends: ["wasm"] };

/**
 * Connects `count` strangers, ten at a time, each with one message.
 * @returns the number of answers by code
 */
async function knock(count, messageOf) {
  const codes = new Map();
  let left = count;
  const one = async (n) => {
    const manager = new Manager(url, {
      transports: ["websocket"],
      reconnection: false,
      timeout: 5000,
      localAddress,
    });
    const socket = manager.socket("/");
    const code = await new Promise((resolve) => {
      socket.on("connect", () => {
        socket.timeout(5000).emit("frame", messageOf(n), (fault, reply) => {
          if (fault) return resolve("no reply");
          const { type, failure } = decodeReply(reply);
          resolve(failure?.code ?? type);
        });
      });
      manager.on("error", () => resolve("rejected"));
      socket.on("disconnect", () => resolve("closed"));
    });
    manager._close();
    codes.set(code, (codes.get(code) ?? 0) + 1);
  };
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      while (left > 0) await one(left--);
    }),
  );
  return [...codes].map(([code, n]) => `${code} ${n}`).join(", ");
}

const toFrame = (message, total = message.length) =>
  encodeFrame({ transfer: 1, offset: 0, total, payload: message });
const undisturbed = await measurePace(() => delay(10_000));
console.log(`alone: ${undisturbed.toFixed(1)} rounds a second`);
let isFine = true;
for (const [what, work] of [
  ["silent connections", () => connectSilently(Number(values.silent))],
  [
    "oversize joins",
    () => knock(Number(values.oversize), () => toFrame(encodeJoin({ ...hello, token: "x" }), 1e8)),
  ],
  [
    "guesses",
    () =>
      knock(Number(values.guesses), (n) => toFrame(encodeJoin({ ...hello, token: `guess ${n}` }))),
  ],
]) {
  const [before, begin] = [countLogBytes(), performance.now()];
  let outcome = "";
  const pace = await measurePace(async () => (outcome = await work()));
  const seconds = (performance.now() - begin) / 1000;
  const written = countLogBytes() - before;
  const ratio = undisturbed / pace;
  isFine &&= ratio < 1.5 && written < 1e6;
  console.log(
    `${what}: ${outcome}; ${seconds.toFixed(1)} s, a round takes ${ratio.toFixed(2)} times as long; ${written} bytes of log`,
  );
}
const ended = once(coordinator, "close");
coordinator.kill("SIGINT");
const [code] = await ended;
host.kill("SIGKILL");
await rm(folder, { recursive: true });
console.log(`the coordinator ended with ${code} after ${countRounds()} rounds`);
process.exit(isFine && code === 130 ? 0 : 1);
