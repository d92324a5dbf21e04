import {
  addTerms,
  shapesOf,
  type Aggregate,
  type Ask,
  type Params,
  type Round,
  type Start,
  type StartContext,
  type Step,
} from "@fedclair/core";
import { createPlayArtifact } from "../artifacts.js";
import type { Environment } from "../environment.js";
import type { NetworkOptions, Options } from "../options.js";
import { agentName } from "../rounds.js";
import { initialNetworks, toModules, toNetworks, computePolicies } from "./networks.js";
import { dataPhase, networksIn } from "./phases.js";

/**
 * Circulates the networks of all agents, and adds the aggregator's combination of the clients'
 * changes.
 */
export class NetworkCoordinator {
  readonly #options: Options;
  readonly #learner: NetworkOptions;
  readonly #environment: Environment;

  constructor(options: Options, learner: NetworkOptions, environment: Environment) {
    this.#options = options;
    this.#learner = learner;
    this.#environment = environment;
  }

  start({ rng }: StartContext): Start {
    const { hidden } = this.#learner;
    const networks = initialNetworks(this.#environment, hidden, rng);
    const params = toModules(this.#environment, hidden, networks);
    return { params, ask: this.#createAsk(dataPhase, params) };
  }

  /**
   * Adds the common change to the networks. Personal changes are ignored, because all clients
   * continue from the same networks.
   */
  async step({ round, params: before }: Round, aggregate: Aggregate): Promise<Step> {
    const params = await addTerms(before, (await aggregate()).change);
    const turn = round + 1 - this.#learner.dataRounds;
    const agents = this.#environment.shape.actions.length;
    const phase = turn <= 0 ? dataPhase : agentName((turn - 1) % agents);
    const play = this.#play(params);
    return {
      params,
      next: turn > agents * this.#options.sweeps ? "end" : this.#createAsk(phase, params),
      metrics: play.metrics,
      artifacts: { play },
    };
  }

  /** Requests only the networks that the phase trains. */
  #createAsk(phase: string, params: Params): Ask {
    const names = networksIn(phase, this.#environment);
    const expects = [...shapesOf(params)].filter(([module]) =>
      names.some((name) => module.startsWith(`${name}.`)),
    );
    return { phase, expects: new Map(expects) };
  }

  #play(params: Params) {
    const { hidden } = this.#learner;
    const networks = toNetworks(this.#environment, hidden, params);
    return createPlayArtifact(
      this.#environment,
      computePolicies(this.#environment, networks, hidden),
    );
  }
}
