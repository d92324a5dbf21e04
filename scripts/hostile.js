// npm run lab -- hostile [--only TEXT]...: a trial of eight clients runs over sockets, seven of
// them on a well-behaved host. The host of the eighth breaks the protocol in a different way in
// each run. For each way the script reports whether the trial ended, whether the other clients'
// records are byte for byte those of an undisturbed run, the size of the hostile client's record,
// and whether all params stayed finite.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { decodeSafetensors } from "@fedclair/core";
import {
  ClientRunner,
  clientIds,
  prepareResolvedTrial,
  readTrialSource,
  resolveTrial,
} from "@fedclair/core/internal";
import { loadBuiltIn } from "@fedclair/plugins";
import { recordTrial } from "@fedclair/runs";
import { connectHost, SocketPool } from "@fedclair/wire";
import { parseArguments } from "./arguments.js";
import { messages as fedclair, RawHost } from "@fedclair/wire/testing";

const { values } = parseArguments({
  options: { only: { type: "string", multiple: true, default: [""] } },
});
const text = `
name: hostile
rounds: 2
clients: 8
task: { name: linear-regression, p: 12, q: 4, rank: 2, samples: 40 }
aggregator: { name: local }
limits: { clientSeconds: 1, answerSeconds: 2, joinSeconds: 10, maxLost: 100, maxMessageBytes: 1048576, chunkBytes: 65536 }
`;
const builtIn = await loadBuiltIn();
// `parseTrial` would create the plug-ins a second time.
const trial = resolveTrial(readTrialSource(text, "hostile.yaml"), builtIn);
const prepared = prepareResolvedTrial(trial, builtIn, "hostile.yaml");
const { name: backend } = await loadBackend();
/** The hosts have exactly as many places as there are clients, so no client changes its host. */
const ids = clientIds(trial.clients);

/** Encodes a message from a host. */
const encode = (body) => fedclair.v1.HostMessage.encode(body).finish();
const tensor = (...shape) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return { shape, dtype: 2, data: new Uint8Array(new Float64Array(size).fill(0.5).buffer) };
};
const filled = (value) => ({
  ...tensor(12, 4),
  data: new Uint8Array(new Float64Array(48).fill(value).buffer),
});
const delta = (...modules) => ({ modules: modules.map(([name, dense]) => ({ name, dense })) });
const pair = (rank) => ({
  modules: [{ name: "weights", lowRank: { b: tensor(12, rank), a: tensor(rank, 4) } }],
});
const good = delta(["weights", tensor(12, 4)]);
const metric = (name, value = 1) => ({ name, value });
const hostile = "evil\n\u001b[2J\u202e\u0000";

/** Answers a job with an update that has something wrong. */
const answerUpdate = (change) => (job) => [
  encode({
    clientUpdate: {
      jobId: job.id,
      clientId: job.clientId,
      numExamples: 9,
      delta: job.kind === "train" ? good : {},
      ...change,
    },
  }),
];
const answerFailure =
  (failure, change = {}) =>
  (job) => [
    encode({ clientFailed: { jobId: job.id, clientId: job.clientId, failure, ...change } }),
  ];

/** Sends one frame of a message that is never completed. */
function emitPart(job, socket, offset) {
  const part = { transfer: 9000 + job.id, offset, total: 1e6, payload: new Uint8Array(100) };
  socket.emit("frame", fedclair.v1.Frame.encode(part).finish(), () => undefined);
}

/**
 * Each way of breaking the protocol: the messages that answer a job, or an act on the connection.
 */
const answers = {
  "never answers": () => [],
  "sends NaN": answerUpdate({ delta: delta(["weights", filled(NaN)]) }),
  "sends Infinity": answerUpdate({ delta: delta(["weights", filled(Infinity)]) }),
  "sends numbers beyond the limit": answerUpdate({ delta: delta(["weights", filled(1e60)]) }),
  "sends the largest numbers that are admitted": answerUpdate({
    delta: delta(["weights", filled(1e50)]),
  }),
  "sends denormal numbers": answerUpdate({ delta: delta(["weights", filled(5e-324)]) }),
  "sends another shape": answerUpdate({ delta: delta(["weights", tensor(4, 12)]) }),
  "sends an additional module": answerUpdate({
    delta: delta(["weights", tensor(12, 4)], ["evil", tensor(2)]),
  }),
  "leaves a module out": answerUpdate({ delta: {} }),
  "sends a module twice": answerUpdate({
    delta: delta(["weights", tensor(12, 4)], ["weights", tensor(12, 4)]),
  }),
  "names a module __proto__": answerUpdate({ delta: delta(["__proto__", tensor(12, 4)]) }),
  "names a module by control characters": answerUpdate({ delta: delta([hostile, tensor(12, 4)]) }),
  "sends data shorter than the shape": answerUpdate({
    delta: delta(["weights", { ...tensor(12, 4), data: new Uint8Array(8) }]),
  }),
  "sends an unknown dtype": answerUpdate({
    delta: delta(["weights", { ...tensor(12, 4), dtype: 9 }]),
  }),
  "sends a shape of 2^32 − 1 squared": answerUpdate({
    delta: delta(["weights", { ...tensor(1), shape: [2 ** 32 - 1, 2 ** 32 - 1] }]),
  }),
  "sends pairs of rank 500": answerUpdate({ delta: pair(500) }),
  "sends pairs whose shapes do not fit": answerUpdate({
    delta: { modules: [{ name: "weights", lowRank: { b: tensor(12, 2), a: tensor(3, 4) } }] },
  }),
  "sends a metric that is NaN": answerUpdate({ metrics: [metric("loss", NaN)] }),
  "names a metric __proto__": answerUpdate({
    metrics: [metric("__proto__"), metric("constructor")],
  }),
  "sends 257 metrics": answerUpdate({
    metrics: Array.from({ length: 257 }, (_, i) => metric(`m${i}`)),
  }),
  "sends 256 metrics of 128 characters": answerUpdate({
    metrics: Array.from({ length: 256 }, (_, i) => metric(`m${i}`.padEnd(128, "東"))),
  }),
  "sends a metric's name of 500 kB": answerUpdate({ metrics: [metric("x".repeat(5e5))] }),
  "trained on no example": answerUpdate({ numExamples: 0 }),
  "trained on 2^32 − 1 examples": answerUpdate({ numExamples: 2 ** 32 - 1 }),
  "answers for another host's client": (job) =>
    answerUpdate({ clientId: ids.find((id) => id !== job.clientId) })(job),
  "answers for a client that does not exist": answerUpdate({ clientId: "c99" }),
  "answers a job that does not exist": (job) => answerUpdate({ jobId: job.id + 1000 })(job),
  "answers earlier and later jobs": (job) =>
    [-2, -1, 1, 2].flatMap((n) => answerUpdate({ jobId: job.id + n })(job)),
  "answers twice": (job) => [
    ...answerUpdate({})(job),
    ...answerUpdate({ delta: delta(["weights", filled(9)]) })(job),
  ],
  "answers and then fails": (job) => [
    ...answerUpdate({})(job),
    ...answerFailure({ code: 12, message: "no" })(job),
  ],
  "fails with 900 kB of control characters": answerFailure({
    code: 12,
    message: hostile.repeat(1e5),
  }),
  "fails with an unknown code": answerFailure({ code: 4711, message: "no" }),
  "fails as if the trial had ended": answerFailure({ code: 16, message: "over" }),
  "fails as a straggler": answerFailure({ code: 20, message: "late" }),
  "sends bytes that are no message": () => [Uint8Array.from([255, 255, 255, 255])],
  "sends an empty message": () => [new Uint8Array()],
  "sends beyond the limit": () => [new Uint8Array(2 ** 20 + 1)],
  "floods with a thousand messages": (job) =>
    Array.from({ length: 1000 }, () => answerUpdate({ jobId: job.id + 7 })(job)[0]),
  "joins again on its connection": () => [
    encode({ join: { protocolVersion: 1, capacity: 9, backends: [backend] } }),
  ],
  "is ready again and again": () => Array.from({ length: 50 }, () => encode({ ready: {} })),
  "begins a message and does not end it": (job, { socket }) => {
    emitPart(job, socket, 0);
    return [];
  },
  "continues a message that it did not begin": (job, { socket }) => {
    emitPart(job, socket, 500);
    return [];
  },
  "sends values that are no frames": (_, { socket }) => {
    for (const odd of [null, 7, "text", { a: 1 }, [], new Uint8Array(2 ** 17)])
      socket.emit("frame", odd, () => undefined);
    socket.emit("frame");
    socket.emit("other", 1);
    return [];
  },
  "breaks the connection in the middle of an answer": (job, { socket }) => {
    emitPart(job, socket, 0);
    socket.disconnect();
    return [];
  },
  "leaves and comes back": (_, { socket }) => {
    socket.disconnect();
    return "again";
  },
};

/**
 * Runs the trial with a hostile host next to a well-behaved one.
 * @returns how the trial ended, the other clients' records, and what was recorded of the hostile
 *   host
 */
async function run(answer) {
  const out = await mkdtemp(join(tmpdir(), "fedclair-hostile-"));
  const pool = await SocketPool.listen({
    clientIds: ids,
    trialJson: JSON.stringify(trial),
    log: () => undefined,
    chunkBytes: trial.limits.chunkBytes,
    maxMessageBytes: trial.limits.maxMessageBytes,
  });
  const over = new AbortController();
  const runner = new ClientRunner(prepared);
  let welcomed;
  // The well-behaved host joins first and so has the same clients in every run.
  const hasJoined = new Promise((resolve) => (welcomed = resolve));
  const wellBehaved = connectHost({
    url: pool.url,
    capacity: ids.length - 1,
    backends: [backend],
    softwareVersion: "honest",
    plugins: [],
    signal: over.signal,
    onUnreachable: () => undefined,
    onRefused: () => undefined,
    onWelcome: async () => {
      await runner.prepare();
      welcomed();
    },
    runJobs: (jobs) => runner.runAll(jobs),
    jobsAtOnce: () => runner.maxBatch,
  });
  wellBehaved.catch(() => undefined);
  const held = new Set();
  const sockets = [];
  const serve = async () => {
    const host = await RawHost.connect(pool.url);
    sockets.push(host.socket);
    await host.joinReady({ capacity: 1, backends: [backend] });
    for (;;) {
      const message = await host.next();
      if (message.type !== "clientJob") continue;
      held.add(message.clientId);
      const replies = answer ? answer(message, host) : answerUpdate({})(message);
      if (replies === "again") return void serve();
      for (const bytes of replies) void host.channel.send(bytes).catch(() => undefined);
    }
  };
  void hasJoined.then(serve).catch(() => undefined);
  let fault;
  const started = performance.now();
  try {
    await recordTrial({
      prepared,
      pool,
      out,
      signal: over.signal,
      backend: () => backend,
    });
  } catch (error) {
    fault = error instanceof Error ? error.message.split("\n")[0] : String(error);
  }
  const seconds = (performance.now() - started) / 1000;
  const lines = (await readFile(join(out, "records.jsonl"), "utf8").catch(() => ""))
    .trim()
    .split("\n");
  const clients = lines.filter(Boolean).flatMap((line) => JSON.parse(line).clients);
  const stored = await readFile(join(out, "params.safetensors")).catch(() => undefined);
  const params = stored ? decodeSafetensors(stored).params : new Map();
  over.abort();
  over.abort();
  for (const socket of sockets) socket.disconnect();
  await pool.close();
  await rm(out, { recursive: true });
  return {
    fault,
    seconds,
    held,
    others: (left) => JSON.stringify(clients.filter(({ clientId }) => !left.has(clientId))),
    codes: [
      ...new Set(
        clients.flatMap(({ clientId, failure }) =>
          held.has(clientId) ? (failure?.code ?? "admitted") : [],
        ),
      ),
    ],
    bytes: Math.max(
      0,
      ...clients
        .filter(({ clientId }) => held.has(clientId))
        .map((one) => JSON.stringify(one).length),
    ),
    isFinite:
      params.size > 0 && [...params.values()].every(({ data }) => data.every(Number.isFinite)),
  };
}

const undisturbed = await run(undefined);
let faults = 0;
const chosen = Object.entries(answers).filter(([what]) =>
  values.only.some((text) => what.includes(text)),
);
for (const [what, answer] of chosen) {
  const { fault, seconds, held, others, codes, bytes, isFinite } = await run(answer);
  const isSame = others(held) === undisturbed.others(held);
  const isFine = fault === undefined && isSame && isFinite && bytes <= 4096 && held.size > 0;
  if (!isFine) faults++;
  const findings = [
    ...(fault === undefined ? [] : [`the trial ended: ${fault}`]),
    ...(held.size === 0 ? ["the hostile host got no client"] : []),
    ...(isSame ? [] : ["the other clients' records DIFFER"]),
    ...(isFinite ? [] : ["params are not finite"]),
    `${codes.join(", ")}; a record of ${bytes} bytes; ${seconds.toFixed(1)} s`,
  ];
  console.log(`${isFine ? "fine" : "BAD "}  ${what}: ${findings.join("; ")}`);
}
console.log(`${chosen.length} behaviours, ${faults} not handled`);
process.exit(faults === 0 ? 0 : 1);
