// npm run lab -- fuzz [--frames N] [--live N] [--seed N]: sends damaged events to both ends of the
// wire in this process, and to a coordinator that runs a trial with a well-behaved host. It reports
// escaped errors (those that did not become an answer), memory growth, and whether the trial's
// bytes equal those of an undisturbed run.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { io } from "socket.io-client";
import { toBfloat16, toInt8 } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { parseArguments } from "./arguments.js";
import { Assembler } from "../libs/wire/dist/src/send/assembler.js";
import {
  decodeCoordinatorMessage,
  encodeCoordinatorMessage,
} from "../libs/wire/dist/src/codec/coordinator-message.js";
import { decodeMessages, encodeFrame, encodeMessages } from "../libs/wire/dist/src/codec/frame.js";
import {
  decodeHostMessage,
  encodeClientFailed,
  encodeJoin,
  encodeReady,
  encodeUpdate,
} from "../libs/wire/dist/src/codec/host-message.js";
import { accepted } from "../libs/wire/dist/src/codec/reply.js";
import { Channel } from "../libs/wire/dist/src/send/channel.js";
import { Traffic } from "../libs/wire/dist/src/send/traffic.js";
import { goodJoin } from "../libs/wire/dist/testing/raw-host.js";
import { workspace } from "./fingerprint/trials.js";
import { listening, logOf } from "./log-of.js";

const text = { type: "string" };
const { values } = parseArguments({
  options: {
    frames: { ...text, default: "1000000" },
    live: { ...text, default: "100000" },
    seed: { ...text, default: "1" },
  },
});
const rng = stream(Number(values.seed)).at("fuzz");
const below = (n) => Math.floor(rng.uniform() * n);
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

const token = "a token of the fuzz";
const backend = "wasm";
const hello = { ...goodJoin, token, capacity: 1, backends: [backend] };
const tensor = { shape: [2, 3], data: new Float32Array([0, 1, -1, 1e-40, 3e38, 0.5]) };
const pair = {
  b: { shape: [2, 1], data: Float32Array.of(1, 2) },
  a: { shape: [1, 3], data: Float32Array.of(1, 2, 3) },
};
const update = {
  clientId: "c00",
  numExamples: 9,
  metrics: { loss: 1, accuracy: 0.5 },
  delta: new Map([
    ["w", tensor],
    ["v", pair],
    ["bf16", toBfloat16(tensor)],
    ["int8", toInt8(tensor, () => 0.5)],
  ]),
};
const job = {
  type: "clientJob",
  id: 7,
  clientId: "c00",
  round: 1,
  phase: "train",
  kind: "train",
  clientIndex: 0,
  clientCount: 8,
  seed: 1,
  commonSeed: 2,
  baseId: 1,
  rounds: [[update.delta]],
};
const hostMessages = [
  encodeJoin(hello),
  encodeReady(),
  encodeUpdate(7, update),
  encodeClientFailed(7, "c00", { code: "CLIENT_ERROR", message: "no" }),
];
const coordinatorMessages = [
  encodeCoordinatorMessage({ type: "base", id: 1, params: new Map([["w", tensor]]) }),
  encodeCoordinatorMessage(job),
  encodeCoordinatorMessage({ type: "jobEnd", id: 7 }),
  encodeCoordinatorMessage({ type: "trialEnd", reason: "over", exitCode: 0 }),
];

/**
 * Damages a message: alone in a frame or together with others, half of the time inside a valid
 * event.
 * @returns the name of the event and its bytes
 */
function damage(messages) {
  const pick = () => messages[below(messages.length)];
  const inside = rng.uniform() < 0.5;
  if (rng.uniform() < 0.5) {
    const bytes = inside ? toFrame(damageBytes(pick())) : damageBytes(toFrame(pick()));
    return ["frame", bytes];
  }
  const [one, other] = [pick(), pick()];
  const bytes = inside
    ? encodeMessages([one, damageBytes(other)])
    : damageBytes(encodeMessages([one, other]));
  return ["messages", bytes];
}

/** Flips, cuts, repeats and inserts bytes. */
function damageBytes(valid) {
  let bytes = Uint8Array.from(valid);
  for (let n = 1 + below(4); n > 0; n--) {
    const at = below(bytes.length + 1);
    switch (below(5)) {
      case 0:
        if (at < bytes.length) bytes[at] ^= 1 << below(8);
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2:
        bytes = Uint8Array.from([...bytes.slice(0, at), below(256), ...bytes.slice(at)]);
        break;
      case 3:
        bytes = Uint8Array.from([...bytes, ...bytes.slice(at)]);
        break;
      default:
        if (at < bytes.length) bytes[at] = [0, 127, 128, 255][below(4)];
    }
  }
  return bytes;
}

function toFrame(message) {
  return encodeFrame({ transfer: below(12), offset: 0, total: message.length, payload: message });
}

function peerFor(decode) {
  const connection = { emit: () => undefined, close: () => undefined };
  const channel = new Channel(connection, new Traffic(), (bytes) => {
    const message = decode(bytes);
    if (message.type === "clientUpdate") message.read();
    return accepted;
  });
  channel.applyLimits({ chunkBytes: 2 ** 20, maxMessageBytes: 2 ** 22 });
  return channel;
}

function inProcess(frames) {
  const ends = [
    { channel: peerFor(decodeHostMessage), messages: hostMessages },
    { channel: peerFor(decodeCoordinatorMessage), messages: coordinatorMessages },
  ];
  const codes = new Map();
  const heap = [];
  let escapes = 0;
  for (let i = 0; i < frames; i++) {
    const { channel, messages } = ends[i % 2];
    try {
      const [event, bytes] = damage(messages);
      const answer = channel.receive(event, [bytes, () => undefined]);
      const code = answer.type === "failure" ? answer.failure.code : answer.type;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    } catch (error) {
      if (escapes++ < 5) console.error(error);
    }
    if (i % Math.ceil(frames / 10) === 0) {
      collectGarbage();
      heap.push(Math.round(process.memoryUsage().heapUsed / 2 ** 20));
    }
  }
  console.log(`in process: ${frames} frames, ${escapes} escapes; heap in MiB ${heap.join(" ")}`);
  console.log(`  ${[...codes].map(([code, n]) => `${code} ${n}`).join(", ")}`);
  return escapes === 0 && heap.at(-1) - heap[1] < 8;
}

const program = join(workspace, "apps/cli/bin/fedclair.js");
const trial = join(workspace, "e2e/fixtures/long.yaml");

function fedclair(...args) {
  const env = { ...process.env, FEDCLAIR_TOKEN: token };
  const child = spawn(process.execPath, [program, ...args], {
    cwd: workspace,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  return { log: logOf(child), ended: new Promise((resolve) => child.on("close", resolve)) };
}

/**
 * Would the event make a host ready? Such a host would get clients, and they would be lost when it
 * leaves, as with any host.
 */
function isReady([event, bytes]) {
  try {
    const messages =
      event === "frame" ? [new Assembler(2 ** 20).accept(bytes)] : decodeMessages(bytes);
    return messages.some(isReadyMessage);
  } catch {
    return false;
  }
}

function isReadyMessage(message) {
  try {
    return decodeHostMessage(message).type === "ready";
  } catch {
    return false;
  }
}

/** Sends frames to a coordinator from peers that never join and from hosts that never get ready. */
async function live(frames) {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-fuzz-"));
  const rounds = ["--set", `rounds=${Math.max(20, Math.round(frames / 300))}`, "--no-report"];
  const [calm, fuzzed] = [join(folder, "calm"), join(folder, "fuzzed")];
  await fedclair("run", trial, ...rounds, "--transport", "memory", "--out", calm).ended;
  const coordinator = fedclair("coordinator", trial, ...rounds, "--out", fuzzed);
  const [, url] = await coordinator.log.waitFor(listening);
  const host = fedclair("client", "--coordinator", url, "--capacity", "8");
  let answered = 0;
  let [sent, hasEnded] = [0, false];
  void coordinator.ended.then(() => (hasEnded = true));
  const send = (socket, [event, bytes]) => socket.timeout(20_000).emitWithAck(event, bytes);
  while (sent < frames && !hasEnded) {
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    await new Promise((resolve) => socket.on("connect", resolve).on("connect_error", resolve));
    try {
      if (rng.uniform() < 0.9) await send(socket, ["frame", toFrame(encodeJoin(hello))]);
      for (let n = 0; n < 500 && socket.connected && sent < frames && !hasEnded; n += 10) {
        const all = Array.from({ length: 10 }, () => damage(hostMessages.slice(2)));
        const events = all.filter((one) => !isReady(one));
        const replies = await Promise.all(events.map((one) => send(socket, one)));
        sent += replies.length;
        answered += replies.filter(({ length }) => length > 0).length;
      }
    } catch {
      sent++; // the coordinator rejected it earlier, or the trial has ended
    }
    socket.disconnect();
  }
  const [code] = [await coordinator.ended, await host.ended];
  const read = (out, file) => readFile(join(out, file), "base64");
  const same = await Promise.all(
    ["records.jsonl", "params.safetensors"].map(
      async (file) => (await read(calm, file)) === (await read(fuzzed, file)),
    ),
  );
  await rm(folder, { recursive: true });
  const isSame = same.every(Boolean) && code === 0;
  console.log(
    `live: ${sent} frames, ${answered} answered; the coordinator ended with ${code}; the trial's bytes are ${isSame ? "the same" : "DIFFERENT"}`,
  );
  return isSame && sent >= frames;
}

const isFine = [inProcess(Number(values.frames)), await live(Number(values.live))];
process.exitCode = isFine.every(Boolean) ? 0 : 1;
