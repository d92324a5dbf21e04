import type { LocalTrainer, Params, Shard, TrainJob, TrainResult } from "@fedclair/core";
import { Matrix, at } from "@fedclair/linalg";
import { createLesson } from "./lessons.js";
import { flatten, type Network } from "./network.js";
import type { Options } from "./options.js";
import { computeChange, networkOfParams } from "./params.js";
import { glorot, type Normals } from "./random.js";
import { convergedSlope, LessonLoss, train, type Lesson } from "./train.js";

/** The phase in which each client starts from its own random weights. */
export const scatter = "scatter";

/**
 * The client half: distils the teacher into a student, on the client's own inputs. Its only data
 * are its lesson.
 */
export class DistillingClient implements LocalTrainer {
  readonly #options: Options;
  readonly #lesson: Lesson;

  constructor(options: Options, teacher: Network, shard: Shard) {
    this.#options = options;
    this.#lesson = createLesson(options, teacher, shard);
  }

  /**
   * Distils from the job's params, or from random weights in phase `scatter`. The metrics `loss`
   * and `slope` are taken at the end of training, on the client's own inputs. `converged` is 1 if
   * no entry of the gradient is above 1e-8, else 0.
   */
  async train({ params, phase, rng }: TrainJob): Promise<TrainResult> {
    const { n, d, activation, weightNoise } = this.#options;
    const initial = networkOfParams(params);
    const start = phase === scatter ? drawStart(activation, n, d, rng.at("start")) : initial;
    const { student, loss, slope, evaluations } = await train(this.#lesson, start);
    const sent = weightNoise > 0 ? addNoise(student, rng.at("noise"), weightNoise) : student;
    return {
      numExamples: 1,
      delta: computeChange(initial, sent),
      metrics: { loss, slope, converged: slope <= convergedSlope ? 1 : 0, evaluations },
    };
  }

  /** Measures the `loss` of the params as a student, on the client's own inputs. */
  evaluate(params: Params): Promise<TrainResult> {
    const loss = new LessonLoss(this.#lesson, this.#options.n);
    const metrics = { loss: loss.value(flatten(networkOfParams(params))) };
    return Promise.resolve({ numExamples: 1, delta: new Map(), metrics });
  }
}

/**
 * Draws a Glorot-normal start. For ReLU all outgoing weights are positive, because the flow never
 * changes their signs.
 */
export function drawStart(
  activation: Options["activation"],
  n: number,
  d: number,
  rng: Normals,
): Network {
  const { hidden, out } = glorot(n, d, rng);
  return { hidden, out: activation === "relu" ? out.map(Math.abs) : out };
}

function addNoise({ hidden, out }: Network, rng: Normals, scale: number): Network {
  const noise = rng.normals(hidden.data.length, scale);
  const data = hidden.data.map((x, i) => x + at(noise, i));
  return { hidden: new Matrix(hidden.rows, hidden.cols, data), out };
}
