import {
  yieldToEventLoop,
  type GradientTraining,
  type LocalTrainer,
  type Numbers,
  type Params,
  type Shard,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { countHeldBack, countTrained } from "../held-back.js";
import {
  createLinearTrainer,
  type RegressionSample,
  type ShardSamples,
} from "../linear-regression/trainer.js";
import { PerceptronClient } from "../perceptron/client.js";
import { splitExamples, type Examples } from "../perceptron/examples.js";
import type { PerceptronOptions } from "../perceptron/options.js";
import { CommonExamples } from "../perceptron/training.js";
import { isLeastSquares, type TableOptions } from "./options.js";
import type { TableRows } from "./rows.js";
import {
  splitScale,
  standardiseInputs,
  standardiseOutputs,
  sumColumns,
  withoutScale,
} from "./scale.js";

/** The rows on which all clients are measured, standardised once per scale. */
export class UniformRows {
  readonly #rows: TableRows;
  #last: { readonly scale: Numbers; readonly examples: CommonExamples } | undefined;

  constructor(rows: TableRows) {
    this.#rows = rows;
  }

  at(scale: Numbers): CommonExamples | undefined {
    const { uniform } = this.#rows;
    if (uniform.length === 0) return undefined;
    const last = this.#last;
    if (last?.scale.every((value: number, i: number) => value === scale[i])) return last.examples;
    const examples = new CommonExamples(toExamples(this.#rows, scale, uniform));
    this.#last = { scale, examples };
    return examples;
  }
}

/** Standardises rows in the precision of networks. */
export function toExamples(rows: TableRows, scale: Numbers, places: ArrayLike<number>): Examples {
  return {
    inputs: Float32Array.from(standardiseInputs(rows, scale, places)),
    width: rows.inputs.width,
    places: Int32Array.from({ length: places.length }, (_, i) => i),
    labels:
      rows.labels.length > 0
        ? Int32Array.from(places, (row) => rows.labels[row] ?? NaN)
        : new Int32Array(0),
    ...(rows.outputNames.length > 0 && {
      outputs: Float32Array.from(standardiseOutputs(rows, scale, places)),
    }),
  };
}

/** Returns the options of the perceptron that a table's model is. */
export function toPerceptron(options: TableOptions): PerceptronOptions {
  const { model } = options;
  return { ...options, model: model === "linear" ? "logistic" : model };
}

/** One client's rows. They are standardised in each job, in the units that its params bring. */
export class TableClient implements LocalTrainer {
  readonly #options: TableOptions;
  readonly #rows: TableRows;
  readonly #uniform: UniformRows;
  readonly #shard: Shard;
  /** In random order. The first ones train, and the rest is held out. */
  readonly #held: Int32Array;

  constructor(options: TableOptions, rows: TableRows, uniform: UniformRows, shard: Shard) {
    this.#options = options;
    this.#rows = rows;
    this.#uniform = uniform;
    this.#shard = shard;
    this.#held = rows.clients.of(shard.index, shard.count);
  }

  survey(): Promise<TrainResult> {
    return Promise.resolve(sumColumns(this.#rows, this.#held));
  }

  async train(job: TrainJob): Promise<TrainResult> {
    const { trainer, params } = this.#open(job.params);
    const control = job.control && withoutScale(job.control);
    return await trainer.train({ ...job, params, ...(control && { control }) });
  }

  open(job: TrainJob): Promise<GradientTraining> | GradientTraining {
    const { trainer, params } = this.#open(job.params);
    if (!trainer.open) throw new Error("this model of a table takes no gradient steps");
    return trainer.open({ ...job, params });
  }

  async measureHeldBack(all: Params): Promise<number> {
    const { trainer, params } = this.#open(all);
    return (await trainer.measureHeldBack?.(params)) ?? NaN;
  }

  async evaluate(all: Params): Promise<TrainResult> {
    const { trainer, params } = this.#open(all);
    if (!trainer.evaluate) throw new Error("every model of a table is measured");
    return await trainer.evaluate(params);
  }

  #open(all: Params): { readonly trainer: LocalTrainer; readonly params: Params } {
    const { params, scale } = splitScale(this.#rows, all);
    const trainer = isLeastSquares(this.#options)
      ? createLinearTrainer(this.#openSamples(scale), { proximal: this.#options.proximal })
      : this.#openPerceptron(scale);
    return { trainer, params };
  }

  #openPerceptron(scale: Numbers): PerceptronClient {
    const { classes } = this.#rows;
    const all = toExamples(this.#rows, scale, this.#held);
    return new PerceptronClient(toPerceptron(this.#options), {
      ...splitExamples(all, classes.length, this.#shard),
      uniform: this.#uniform.at(scale),
      describeMisfit: (wanted, width) =>
        `table: the params are for ${wanted} inputs, and the table of this host has ${width}: give every host the same columns, and list the values of categories (source.categories)`,
    });
  }

  /** Opens the rows for least squares, with a constant input at the end. */
  #openSamples(scale: Numbers): ShardSamples {
    const { inputs, outputNames } = this.#rows;
    const held = this.#held;
    const [p, q] = [inputs.width + 1, outputNames.length];
    const own = standardiseInputs(this.#rows, scale, held);
    const y = standardiseOutputs(this.#rows, scale, held);
    const border = countTrained(held.length);
    const pass = async function* (from: number, to: number): AsyncGenerator<RegressionSample> {
      for (let i = from; i < to; i++) {
        if (i % 256 === 0) await yieldToEventLoop();
        const x = new Float64Array(p).fill(1);
        x.set(own.subarray(i * (p - 1), (i + 1) * (p - 1)));
        yield { x, y: y.subarray(i * q, (i + 1) * q) };
      }
    };
    return {
      p,
      q,
      samples: border,
      trained: border - countHeldBack(border, this.#shard.holdBack),
      training: () => pass(0, border),
      tested: held.length - border,
      test: () => pass(border, held.length),
    };
  }
}
