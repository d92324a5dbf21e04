import {
  addTerms,
  Products,
  UserError,
  type Aggregation,
  type Params,
  type RoundState,
  type Step,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import type { Environment } from "../environment.js";
import { playArtifact } from "../artifacts.js";
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

  init(rng: Stream): Params {
    const { hidden } = this.#learner;
    const networks = initialNetworks(this.#environment, hidden, rng);
    return modulesOf(this.#environment, hidden, networks);
  }

  start(): Pick<Step, "phase"> {
    return { phase: dataPhase };
  }

  expects(phase: string, global: Params): ReadonlyMap<string, readonly number[]> {
    const names = networksIn(phase, this.#environment);
    return new Map(
      [...global].flatMap(([module, { shape }]) =>
        names.some((name) => module.startsWith(`${name}.`)) ? [[module, shape]] : [],
      ),
    );
  }

  /** All clients go on from the same networks: an aggregator's personal changes are left aside. */
  async reduce({ round, global }: RoundState, aggregate: Aggregation): Promise<Step> {
    requireShared(aggregate);
    const next = round + 1 - this.#learner.dataRounds;
    const agents = this.#environment.shape.actions.length;
    return {
      global: await addTerms(global, aggregate.global, new Products()),
      phase: next <= 0 ? dataPhase : agentName((next - 1) % agents),
      done: next > agents * this.#options.sweeps,
    };
  }

  evaluate(global: Params): Pick<Step, "metrics" | "artifacts"> {
    const { hidden } = this.#learner;
    const networks = networksOf(this.#environment, hidden, global);
    const policies = policiesOf(this.#environment, networks, hidden);
    const play = playArtifact(this.#environment, policies);
    return { metrics: play.metrics, artifacts: { play } };
  }
}

function requireShared({ global, personal }: Aggregation): void {
  if (global.length > 0 || personal === undefined) return;
  throw new UserError(
    "alberdice: agents respond to one another's policies, which all clients must share; this aggregator leaves every client on its own (local): choose fedavg, clair or another that averages",
  );
}
