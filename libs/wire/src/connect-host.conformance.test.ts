import {
  UserError,
  type LocalTrainer,
  type Plugins,
  type Task,
  type TensorDelta,
} from "@fedclair/core";
import { ClientRunner, trialSchema } from "@fedclair/core/internal";
import { toyPlugins, prepare } from "@fedclair/core/testing";
import { connectHost } from "./connect-host.js";
import { describeHost, hostTrial } from "../testing/host-conformance.js";

const [noOptions] = [...toyPlugins.aggregators.values()].map(({ schema }) => schema);
if (!noOptions) throw new Error("the toy has no aggregator");

const external = {
  name: "external",
  summary: "A test's.",
  schema: noOptions,
  create: (): Task => ({
    start: () => Promise.reject(new Error("the coordinator's")),
    openShard: ({ index }) => Promise.resolve(trainerOf(index)),
  }),
};

const plugins: Plugins = { ...toyPlugins, tasks: new Map([["external", external]]) };

function trainerOf(index: number): LocalTrainer {
  const wait = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new Error("given up"));
      });
    });
  return {
    train: async ({ phase, params, signal }) => {
      if (phase === "throw") throw new Error("the client is broken");
      if (phase === "silent") await wait(60_000, signal);
      if (phase === "pause") await wait(500, signal);
      const w = params.get("w") ?? { shape: [0], data: new Float64Array() };
      const big = { shape: [100_000], data: new Float32Array(100_000) };
      const pair = {
        b: { shape: [2, 1], data: Float32Array.of(1, 2) },
        a: { shape: [1, 3], data: Float32Array.of(3, 4, 5) },
      };
      const usual: [string, TensorDelta][] = [
        ["w", w],
        ["pair", pair],
      ];
      const delta = phase === "big" ? new Map([["w", big]]) : new Map(usual);
      return { numExamples: 7, delta, metrics: { index } };
    },
    evaluate: (params) => {
      const sum = [...(params.get("w")?.data ?? [])].reduce((a, b) => a + b, 0);
      return Promise.resolve({ numExamples: 3, delta: new Map(), metrics: { sum } });
    },
  };
}

describeHost("connectHost", (url) => {
  const trial = trialSchema(plugins).parse({ ...hostTrial, aggregator: { name: "toy-mean" } });
  const abort = new AbortController();
  const runner = new ClientRunner(prepare(trial, plugins));
  const ended = connectHost({
    url,
    token: "secret",
    capacity: 2,
    backends: ["none"],
    softwareVersion: "test",
    external: true,
    onWelcome: () => runner.prepare(),
    runJobs: (jobs) => runner.runAll(jobs),
    jobsAtOnce: () => runner.maxBatch,
    signal: abort.signal,
  }).then(
    ({ exitCode, reason }) => ({ exitCode, text: reason }),
    (error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      return { exitCode: error.exitCode, text: error.message };
    },
  );
  return {
    ended,
    stop: () => {
      abort.abort();
    },
  };
});
