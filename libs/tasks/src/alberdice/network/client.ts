import { item } from "@fedclair/linalg";
import type { LocalTrainer, Params, Shard, Tensor, TrainJob, TrainResult } from "@fedclair/core";
import { heldTransitions, measurePlay } from "../client-data.js";
import type { Environment } from "../environment.js";
import type { NetworkOptions, Options } from "../options.js";
import { agentsOf, alphaOf } from "../rounds.js";
import { agentsIn, modulesOf, networksOf, policiesOf, type Networks } from "./networks.js";
import { dataPhase } from "./phases.js";
import { compress, type Samples } from "./samples.js";
import { cloneData, takeTurn } from "./train.js";

/** One client: Adam steps on its private data from the networks that the coordinator circulates. */
export class NetworkClient implements LocalTrainer {
  readonly #options: Options;
  readonly #learner: NetworkOptions;
  readonly #environment: Environment;
  readonly #shard: Shard;

  constructor(options: Options, learner: NetworkOptions, environment: Environment, shard: Shard) {
    this.#options = options;
    this.#learner = learner;
    this.#environment = environment;
    this.#shard = shard;
  }

  /** Answers with the change of the networks that the phase trains: all data policies, or those of one agent's turn. */
  async train(job: TrainJob): Promise<TrainResult> {
    const { phase, params } = job;
    const samples = compress(await heldTransitions(this.#environment, this.#shard));
    const before = networksOf(this.#environment, this.#learner.hidden, params);
    const after =
      phase === dataPhase
        ? await this.#clone(samples, before, job)
        : await this.#respond(samples, before, job);
    const modules = modulesOf(this.#environment, this.#learner.hidden, after);
    return {
      numExamples: samples.transitions,
      delta: new Map(
        [...modules].map(([name, tensor]) => [name, difference(tensor, params.get(name))]),
      ),
      metrics: {},
    };
  }

  /** See `measurePlay`. */
  async evaluate(params: Params): Promise<TrainResult> {
    const { hidden } = this.#learner;
    const networks = networksOf(this.#environment, hidden, params);
    const transitions = await heldTransitions(this.#environment, this.#shard);
    const policies = policiesOf(this.#environment, networks, hidden);
    return measurePlay(transitions, policies, this.#environment.shape, this.#options);
  }

  async #clone(samples: Samples, networks: Networks, { signal }: TrainJob): Promise<Networks> {
    const settings = { ...this.#learner, steps: this.#learner.dataSteps, signal };
    const cloned = new Map<string, Float32Array>();
    for (const agent of agentsIn(this.#environment)) {
      const own = await cloneData(this.#environment, samples, networks, agent, settings);
      for (const [name, weights] of own) cloned.set(name, weights);
    }
    return cloned;
  }

  #respond(
    samples: Samples,
    networks: Networks,
    { round, phase, signal }: TrainJob,
  ): Promise<Networks> {
    const agents = agentsIn(this.#environment).length;
    const agent = item(agentsOf(phase, agents), 0);
    const alpha = alphaOf(round - this.#learner.dataRounds, agents, this.#options);
    const settings = { ...this.#learner, alpha, gamma: this.#options.gamma, signal };
    return takeTurn(this.#environment, samples, networks, agent, settings);
  }
}

function difference({ shape, data }: Tensor, before: Tensor | undefined): Tensor {
  return { shape, data: Float32Array.from(data, (x, k) => x - (before?.data[k] ?? NaN)) };
}
