// npm run lab -- strangers [-- --silent N --guesses N --oversize N]: a coordinator that may open 1,024 files runs a trial with one honest
// host, while strangers knock: silent connections, guesses of the token, and Joins that claim to be 100 MB. Says how long a
// round takes beside them (they share this machine), how many guesses were answered, when silent ones were cut, and the log.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Manager } from "socket.io-client";
import { argumentsOf } from "./arguments.js";
import { encodeFrame } from "../libs/wire/dist/src/codec/frame.js";
import { encodeJoin } from "../libs/wire/dist/src/codec/host-message.js";
import { decodeReply } from "../libs/wire/dist/src/codec/reply.js";
import { protocolVersion } from "../libs/wire/dist/src/protocol.js";
import { workspace } from "./fingerprint/trials.js";

const text = { type: "string" };
const { values } = argumentsOf({
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
    ...{ cwd: workspace, env, stdio: ["ignore", "ignore", "pipe"] },
  });
  const said = { text: "" };
  child.stderr.setEncoding("utf8").on("data", (more) => {
    said.text += more;
    child.emit("said");
  });
  return { child, said };
}

const set = ["--set", "rounds=1000000", "--set", "evaluate=never", "--no-report"];
const { child: coordinator, said } = fedclair(
  ...["coordinator", trial, ...set, "--checkpoint-every", "100", "--out", join(folder, "run")],
);
const urlIn = () => /listening on (http:[^"\s]+)/.exec(said.text)?.[1];
while (urlIn() === undefined) await once(coordinator, "said");
const url = urlIn();
const { child: host } = fedclair("client", "--coordinator", url, "--capacity", "8");
const rounds = () => Number([...said.text.matchAll(/round (\d+):/g)].at(-1)?.[1] ?? 0);
while (rounds() < 20) await once(coordinator, "said");

/** Rounds a second while something goes on. */
async function paceOf(work) {
  const [first, begin] = [rounds(), performance.now()];
  await work();
  return (1000 * (rounds() - first)) / (performance.now() - begin);
}

/** Lines that are of rounds are the trial's, not the strangers'. */
const logBytes = () => said.text.replaceAll(/^.*round \d+:.*\n/gm, "").length;

const { hostname, port } = new URL(url);
/** Of a network of their own, else they would shut this machine's hosts out. */
const localAddress = "127.0.0.77";

async function silent(count) {
  const lives = [];
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      await delay((i * 4000) / count);
      const begin = performance.now();
      const socket = connect({ host: hostname, port: Number(port), localAddress });
      socket.on("error", () => undefined);
      await once(socket, "close");
      lives.push((performance.now() - begin) / 1000);
    }),
  );
  return `${lives.length} cut, the last after ${Math.max(...lives).toFixed(1)} s`;
}

const hello = {
  protocolVersion,
  capacity: 1,
  backends: ["wasm"],
  softwareVersion: "stranger",
  plugins: [],
};

/** So many strangers, ten at a time, each with one message. @returns what they were told, by code */
async function knocking(count, messageOf) {
  const codes = new Map();
  let left = count;
  const one = async (n) => {
    const manager = new Manager(url, {
      ...{ transports: ["websocket"], reconnection: false, timeout: 5000, localAddress },
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
      manager.on("error", () => resolve("not let in"));
      socket.on("disconnect", () => resolve("cut"));
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

const framed = (message, total = message.length) =>
  encodeFrame({ transfer: 1, offset: 0, total, payload: message });
const alone = await paceOf(() => delay(10_000));
console.log(`alone: ${alone.toFixed(1)} rounds a second`);
let isFine = true;
for (const [what, work] of [
  ["silent connections", () => silent(Number(values.silent))],
  [
    "oversize joins",
    () =>
      knocking(Number(values.oversize), () => framed(encodeJoin({ ...hello, token: "x" }), 1e8)),
  ],
  [
    "guesses",
    () =>
      knocking(Number(values.guesses), (n) =>
        framed(encodeJoin({ ...hello, token: `guess ${n}` })),
      ),
  ],
]) {
  const [before, begin] = [logBytes(), performance.now()];
  let told = "";
  const pace = await paceOf(async () => (told = await work()));
  const seconds = (performance.now() - begin) / 1000;
  const log = logBytes() - before;
  const ratio = alone / pace;
  isFine &&= ratio < 1.5 && log < 1e6;
  console.log(
    `${what}: ${told}; ${seconds.toFixed(1)} s, a round takes ${ratio.toFixed(2)} times as long; ${log} bytes of log`,
  );
}
const ended = once(coordinator, "close");
coordinator.kill("SIGINT");
const [code] = await ended;
host.kill("SIGKILL");
await rm(folder, { recursive: true });
console.log(`the coordinator ended with ${code} after ${rounds()} rounds`);
process.exit(isFine && code === 130 ? 0 : 1);
