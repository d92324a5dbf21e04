import { item } from "@fedclair/linalg";
import type { Dense, LocalTrainer, Params, Shard, TrainJob, TrainResult } from "@fedclair/core";
import { drawTransitions, measurePlay } from "../client-data.js";
import type { Environment } from "../environment.js";
import type { NetworkOptions, Options } from "../options.js";
import { listAgents, alphaOf } from "../rounds.js";
import { agentsIn, toModules, toNetworks, computePolicies, type Networks } from "./networks.js";
import { dataPhase } from "./phases.js";
import { compressSamples, type Samples } from "./samples.js";
import { cloneData, takeTurn } from "./train.js";

/** A client that trains the circulated networks on its private data. */
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

  /**
   * Trains the phase's networks and answers with their change: all data policies, or the three
   * networks of one agent's turn.
   */
  async train(job: TrainJob): Promise<TrainResult> {
    const { phase, params } = job;
    const samples = compressSamples(await drawTransitions(this.#environment, this.#shard));
    const before = toNetworks(this.#environment, this.#learner.hidden, params);
    const after =
      phase === dataPhase
        ? await this.#clone(samples, before, job)
        : await this.#respond(samples, before, job);
    const modules = toModules(this.#environment, this.#learner.hidden, after);
    return {
      numExamples: samples.transitions,
      delta: new Map(
        [...modules].map(([name, tensor]) => [name, difference(tensor, params.get(name))]),
      ),
      metrics: {},
    };
  }

  /** Measures the policies on the client's own data, see `measurePlay`. */
  async evaluate(params: Params): Promise<TrainResult> {
    const { hidden } = this.#learner;
    const networks = toNetworks(this.#environment, hidden, params);
    const transitions = await drawTransitions(this.#environment, this.#shard);
    const policies = computePolicies(this.#environment, networks, hidden);
    return measurePlay(transitions, policies, this.#environment.shape, this.#options);
  }

  async #clone(samples: Samples, networks: Networks, { signal }: TrainJob): Promise<Networks> {
    const settings = { ...this.#learner, steps: this.#learner.dataSteps, signal };
    const trained = new Map<string, Float32Array>();
    for (const agent of agentsIn(this.#environment)) {
      const own = await cloneData(this.#environment, samples, networks, agent, settings);
      for (const [name, weights] of own) trained.set(name, weights);
    }
    return trained;
  }

  #respond(
    samples: Samples,
    networks: Networks,
    { round, phase, signal }: TrainJob,
  ): Promise<Networks> {
    const agents = agentsIn(this.#environment).length;
    const agent = item(listAgents(phase, agents), 0);
    const alpha = alphaOf(round - this.#learner.dataRounds, agents, this.#options);
    const settings = { ...this.#learner, alpha, gamma: this.#options.gamma, signal };
    return takeTurn(this.#environment, samples, networks, agent, settings);
  }
}

function difference({ shape, data }: Dense, before: Dense | undefined): Dense {
  return { shape, data: Float32Array.from(data, (x, k) => x - (before?.data[k] ?? NaN)) };
}
