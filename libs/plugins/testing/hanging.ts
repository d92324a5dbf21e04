// Plug-ins whose code does not return.
import { setTimeout as sleep } from "node:timers/promises";
import {
  definePlugin,
  type Aggregator,
  type Attack,
  type LocalTrainer,
  type Mod,
  type Params,
  type Task,
  type TrainResult,
} from "@fedclair/core";
import { z } from "zod";

const never = (): never => {
  for (;;);
};

const params = (): Params => new Map([["w", { shape: [1], data: new Float64Array(1) }]]);

/** Client i proposes the step to i. */
function train(index: number, { params }: { readonly params: Params }): TrainResult {
  const at = params.get("w")?.data[0] ?? NaN;
  const delta = new Map([["w", { shape: [1], data: Float64Array.of(index - at) }]]);
  return { numExamples: 1, delta, metrics: {} };
}

const faults = [
  ...["loop", "exit", "linger", "start", "step"],
  ...["throw", "throw nothing", "reject", "throw late", "kill", "kill parent", "abort"],
  ...["exit late", "loop late", "throw unheard late", "exit in second job", "patch"],
] as const;

/** The index of the client whose job runs. */
let running = -1;

/** The number of jobs in this thread. */
let jobs = 0;

/** Runs code of the present client in the job of the next one. */
function inNextJob(act: () => void): void {
  const own = running;
  setInterval(() => {
    if (running !== own) act();
  }, 1);
}

/** Ends the thread or the process of a client, or tries to. */
const acts: Readonly<Record<string, () => unknown>> = {
  exit: () => process.exit(3),
  throw: () =>
    setTimeout(() => {
      throw new Error("boom");
    }),
  "throw nothing": () =>
    setTimeout(() => {
      throw null; // oxlint-disable-line typescript/only-throw-error
    }),
  reject: () => void Promise.reject(new Error("boom")),
  "throw late": () =>
    setTimeout(() => {
      throw new Error("boom");
    }, 100),
  "exit late": () => {
    inNextJob(() => process.exit(3));
  },
  "loop late": () => {
    inNextJob(never);
  },
  "throw unheard late": () => {
    process.removeAllListeners("uncaughtException");
    inNextJob(() => {
      throw new Error("boom");
    });
  },
  patch: () => {
    Map.prototype.get = () => undefined;
  },
  kill: () => process.kill(process.pid, "SIGKILL"),
  "kill parent": () => process.kill(process.ppid),
  abort: () => {
    process.abort();
  },
};

const task = definePlugin({
  kind: "task",
  name: "hanging",
  summary: "Client i holds the number i; one of them does not return.",
  schema: z.strictObject({
    fault: z.enum(faults).optional(),
    client: z.int().default(0),
    maxBatch: z.int().default(1),
  }),
  create: ({ fault, client, maxBatch }): Task => ({
    start: () => (fault === "start" ? never() : Promise.resolve({ params: params() })),
    openShard: ({ index }) => {
      const trainer: LocalTrainer = {
        train: async (job) => {
          const fails = index === client;
          running = index;
          if (++jobs === 2 && fault === "exit in second job") process.exit(3);
          if (fault?.endsWith(" late") === true) await sleep(20);
          if (fails && fault === "loop") never();
          if (fails && fault !== undefined) acts[fault]?.();
          if (fails && ["throw", "throw nothing"].includes(fault ?? ""))
            await new Promise(() => undefined);
          if (fails && fault === "linger") {
            job.signal.addEventListener("abort", () => setTimeout(never)); // after its answer
            await new Promise(() => undefined);
          }
          return train(index, job);
        },
      };
      return Promise.resolve(trainer);
    },
    ...(maxBatch > 1 && {
      trainCohort: {
        maxBatch,
        train: (trainers, jobs) =>
          Promise.all(trainers.map((one, i) => one.train(jobs[i] as never))),
      },
    }),
    ...(fault === "step" && { step: never }),
  }),
});

const options = z.strictObject({});
const summary = "Does not return.";

export default [
  task,
  definePlugin({
    kind: "aggregator",
    name: "hanging-rule",
    summary,
    schema: options,
    create: (): Aggregator => ({ aggregate: never }),
  }),
  definePlugin({
    kind: "aggregator",
    name: "patching-rule",
    summary: "Changes what its thread needs, and throws.",
    schema: options,
    create: (): Aggregator => ({
      aggregate: () => {
        acts["patch"]?.();
        throw new Error("patched");
      },
    }),
  }),
  definePlugin({
    kind: "attack",
    name: "hanging-client-attack",
    summary,
    schema: options,
    create: (): Attack => ({ corruptUpdate: never }),
  }),
  definePlugin({
    kind: "attack",
    name: "hanging-attack",
    summary,
    schema: options,
    create: (): Attack => ({ attackRound: never }),
  }),
  definePlugin({
    kind: "mod",
    name: "hanging-mod",
    summary,
    schema: options,
    create: (): Mod => ({ client: never }),
  }),
  definePlugin({
    kind: "mod",
    name: "hanging-server-mod",
    summary,
    schema: options,
    create: (): Mod => ({ server: never }),
  }),
];
