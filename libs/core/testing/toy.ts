import { z } from "zod";
import type { Aggregator } from "../src/contracts/aggregator.js";
import type { Attack } from "../src/contracts/attack.js";
import type { Mod } from "../src/contracts/mod.js";
import type { PersonalMethod } from "../src/contracts/personal.js";
import type { AggregatorPlugin, Plugin, Plugins, TaskPlugin } from "../src/contracts/plugin.js";
import type { DataContamination, LocalTrainer, Task } from "../src/contracts/task.js";
import { readNumbers, type Dense, type Params, type Tensor } from "../src/tensors/tensor.js";
import { trialSchema, type Trial } from "../src/trial/trial.js";
import { isLowRank, mapTensors, scaleDelta, type TensorDelta } from "../src/tensors/update.js";

const f64 = (shape: readonly number[], ...values: number[]): Dense => ({
  shape,
  data: Float64Array.from(values),
});

const toyOptions = z.strictObject({
  faults: z.record(z.string(), z.enum(["throw", "silent", "nan", "shape", "modules"])).default({}),
});

const offsetOptions = z.strictObject({ by: z.int().default(10) });
type OffsetOptions = z.output<typeof offsetOptions>;

/**
 * The smallest task: client i holds the number i + 1 and proposes the step from the params to it.
 * Module `dense` is a 2-vector (f64), and `pair` a rank-1 2×3 matrix that stays factored (f32).
 * Clients in `faults` misbehave.
 */
export const toyTask: TaskPlugin = {
  name: "toy",
  summary: "Each client holds a number.",
  schema: toyOptions,
  hasLabels: () => true,
  holdsBack: true,
  acceptsStale: () => true,
  refusesSteps: () => undefined,
  contaminations: () => new Map([["offset", offsetOptions]]),
  create: createToyTask,
};

/** Creates the toy task, which has no data to read. */
export function createToyTask({ faults }: z.output<typeof toyOptions> = { faults: {} }): Task {
  return {
    start: () => Promise.resolve({ params: toyParams(0) }),
    openShard: ({ index, corruptLabels, contamination }) => {
      const [value = 0] = corruptLabels?.(Int32Array.of(index + 1), 100) ?? [index + 1];
      const { by = 0 } = (contamination?.options ?? {}) as Partial<OffsetOptions>;
      return Promise.resolve(toyTrainer(value + by, faults[index]));
    },
  };
}

export function toyParams(value: number): Params {
  return new Map([
    ["dense", f64([2], value, value)],
    ["pair", { shape: [2, 3], data: new Float32Array(6).fill(value) }],
  ]);
}

function toyTrainer(value: number, fault: string | undefined): LocalTrainer {
  return {
    train: ({ params, control, rng, common }) => {
      if (fault === "throw") throw new Error("the toy is broken");
      if (fault === "silent") return new Promise<never>(() => undefined);
      const at = params.get("dense")?.data[0] ?? NaN;
      const step = fault === "nan" ? NaN : value - at;
      const dense = fault === "shape" ? f64([3], step, step, step) : f64([2], step, -0);
      const pair = {
        b: { shape: [2, 1], data: Float32Array.of(value, -0) },
        a: { shape: [1, 3], data: Float32Array.of(1e-40, 0.5, 3) },
      };
      const modules = new Map<string, TensorDelta>([["dense", dense]]);
      if (fault !== "modules") modules.set("pair", pair);
      return Promise.resolve({
        numExamples: value,
        delta: modules,
        metrics: {
          loss: step,
          own: rng.uniform(),
          common: common.uniform(),
          ...(control && { control: control.get("dense")?.data[1] ?? NaN }),
        },
      });
    },
    open: ({ params }) => ({
      params,
      numExamples: value,
      count: 1,
      rate: 1,
      steps: (from) => Promise.resolve(from),
      loss: (at) => Promise.resolve(Math.abs(value - (at.get("dense")?.data[0] ?? NaN))),
    }),
    measureHeldBack: (params) =>
      Promise.resolve(Math.abs(value - (params.get("dense")?.data[0] ?? NaN))),
    evaluate: (params) => {
      const at = params.get("dense")?.data[0] ?? NaN;
      return Promise.resolve({
        numExamples: 1,
        delta: new Map(),
        metrics: { distance: Math.abs(value - at) },
      });
    },
  };
}

/** The plain mean of the clients' dense modules. */
export const toyAggregator: AggregatorPlugin = {
  name: "toy-mean",
  summary: "The plain mean.",
  schema: z.strictObject({}),
  create: (): Aggregator => ({
    aggregate: ({ updates }) => {
      const mean = new Float64Array(2);
      for (const { delta } of updates) {
        const dense = delta.get("dense");
        if (!dense || isLowRank(dense)) continue;
        readNumbers(dense).forEach((x, i) => (mean[i] = (mean[i] ?? 0) + x / updates.length));
      }
      return Promise.resolve({ change: [new Map([["dense", { shape: [2], data: mean }]])] });
    },
    stream: () => {
      const sum = new Float64Array(2);
      let count = 0;
      return {
        add: (updates) => {
          for (const { delta } of updates) {
            const dense = delta.get("dense");
            if (!dense || isLowRank(dense)) continue;
            readNumbers(dense).forEach((x, i) => (sum[i] = (sum[i] ?? 0) + x));
          }
          count += updates.length;
          return Promise.resolve();
        },
        finish: () => {
          const mean = sum.map((x) => x / count);
          return Promise.resolve({ change: [new Map([["dense", { shape: [2], data: mean }]])] });
        },
      };
    },
  }),
};

/** Adds 50 to every label. */
const toyShift: Plugin<Attack> = {
  name: "toy-shift",
  summary: "Adds 50 to every label.",
  schema: z.strictObject({}),
  create: () => ({ corruptLabels: (labels) => labels.map((y) => y + 50) }),
};

/** Reports the number of honest updates in its metrics, to show that it sees them. */
const toyForger: Plugin<Attack> = {
  name: "toy-forger",
  summary: "Counts the honest updates.",
  schema: z.strictObject({}),
  create: (): Attack => ({
    attackRound: ({ own, honest }) => ({
      updates: own.map((update) => ({
        ...update,
        metrics: { ...update.metrics, honest: honest.length },
      })),
    }),
  }),
};

/** Contaminates the data of its clients in a way that the task knows. */
const toyData: Plugin<Attack> = {
  name: "toy-data",
  summary: "Contaminated data.",
  schema: z.strictObject({
    kind: z.string(),
    options: z.record(z.string(), z.unknown()).default({}),
  }),
  create: (data: DataContamination): Attack => ({ label: data.kind, data }),
};

/** Sends ten times the honest update. */
const toyScale: Plugin<Attack> = {
  name: "toy-scale",
  summary: "Ten times as much.",
  schema: z.strictObject({}),
  create: (): Attack => ({
    corruptUpdate: (honest) => ({ ...honest, delta: scaleDelta(honest.delta, 10) }),
  }),
};

/** Halves every change, and reports how often each client was asked so far. */
const toyHalf: Plugin<Mod> = {
  name: "toy-half",
  summary: "Halves every change.",
  schema: z.strictObject({}),
  create: (): Mod<ReadonlyMap<string, number>> => ({
    client: (result) => ({ ...result, delta: scaleDelta(result.delta, 0.5) }),
    server: ({ cohort }, state = new Map<string, number>()) => {
      const asked = new Map([
        ...state,
        ...cohort.map((id) => [id, (state.get(id) ?? 0) + 1] as const),
      ]);
      const metrics = new Map(cohort.map((id) => [id, { asked: asked.get(id) ?? 0 }]));
      return { metrics, state: asked };
    },
  }),
};

/** Rounds every change up or down to whole numbers at random. */
const toyWhole: Plugin<Mod> = {
  name: "toy-whole",
  summary: "Whole numbers.",
  schema: z.strictObject({}),
  create: (): Mod => ({
    isFormat: true,
    client: (result, { rng }) => {
      const whole = (tensor: Tensor): Dense => ({
        shape: tensor.shape,
        data: readNumbers(tensor).map((x) => Math.floor(x + rng.uniform())),
      });
      return { ...result, delta: mapTensors(result.delta, whole) };
    },
  }),
};

/** Counts its rounds by own params, in steps of `by`. */
const toyCount: Plugin<PersonalMethod> = {
  name: "toy-count",
  summary: "Counts rounds.",
  schema: z.strictObject({ by: z.number().default(1) }),
  create: ({ by }: { by: number }): PersonalMethod => ({
    start: () => new Map([["rounds", f64([1], 0)]]),
    train: ({ shared, own }) => {
      const rounds = by + (own.get("rounds")?.data[0] ?? NaN);
      const kept = new Map([["rounds", f64([1], rounds)]]);
      return Promise.resolve({ change: shared, own: kept, metrics: { rounds } });
    },
    model: ({ shared }) => shared,
  }),
};

export const toyPlugins: Plugins = {
  tasks: new Map([["toy", toyTask]]),
  aggregators: new Map([["toy-mean", toyAggregator]]),
  attacks: new Map([
    ["toy-shift", toyShift],
    ["toy-forger", toyForger],
    ["toy-data", toyData],
    ["toy-scale", toyScale],
  ]),
  mods: new Map([
    ["toy-half", toyHalf],
    ["toy-whole", toyWhole],
  ]),
  personal: new Map([["toy-count", toyCount]]),
};

/** A trial of the toy task with the given keys changed. */
export function toyTrial(changes: object = {}): Trial {
  return trialSchema(toyPlugins).parse({
    name: "toy",
    rounds: 2,
    clients: 4,
    task: { name: "toy" },
    aggregator: { name: "toy-mean" },
    ...changes,
  });
}
