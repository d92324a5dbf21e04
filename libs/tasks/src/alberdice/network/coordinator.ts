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
import { playArtifact } from "../artifacts.js";
import type { Environment } from "../environment.js";
import type { NetworkOptions, Options } from "../options.js";
import { agentName } from "../rounds.js";
import { initialNetworks, modulesOf, networksOf, policiesOf } from "./networks.js";
import { dataPhase, networksIn } from "./phases.js";

/** Circulates the networks of all agents, and adds what the trial's aggregator makes of the clients' changes. */
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
    const params = modulesOf(this.#environment, hidden, networks);
    return { params, ask: this.#askOf(dataPhase, params) };
  }

  /** All clients go on from the same networks: an aggregator's personal changes are left aside. */
  async step({ round, params: before }: Round, aggregate: Aggregate): Promise<Step> {
    const params = await addTerms(before, (await aggregate()).change);
    const turn = round + 1 - this.#learner.dataRounds;
    const agents = this.#environment.shape.actions.length;
    const phase = turn <= 0 ? dataPhase : agentName((turn - 1) % agents);
    const play = this.#play(params);
    return {
      params,
      next: turn > agents * this.#options.sweeps ? "end" : this.#askOf(phase, params),
      metrics: play.metrics,
      artifacts: { play },
    };
  }

  /** Only the networks that the phase trains. */
  #askOf(phase: string, params: Params): Ask {
    const names = networksIn(phase, this.#environment);
    const expects = [...shapesOf(params)].filter(([module]) =>
      names.some((name) => module.startsWith(`${name}.`)),
    );
    return { phase, expects: new Map(expects) };
  }

  #play(params: Params) {
    const { hidden } = this.#learner;
    const networks = networksOf(this.#environment, hidden, params);
    return playArtifact(this.#environment, policiesOf(this.#environment, networks, hidden));
  }
}
