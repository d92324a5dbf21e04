import { item } from "@fedclair/linalg";
import {
  UserError,
  type LocalTrainer,
  type Params,
  type Shard,
  type Tensor,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { alternate, perturbedStart } from "./alternate.js";
import { bestResponse, type BestResponse } from "./best-response.js";
import { heldTransitions, measurePlay, tolerance } from "./client-data.js";
import { contaminateAnswer } from "./contaminations.js";
import { countTransitions, type Dataset } from "./dataset.js";
import type { Environment } from "./environment.js";
import { logitsOf, policiesOf } from "./logits.js";
import type { Options } from "./options.js";
import type { Policy } from "./policy.js";
import { agentName, agentsOf, allAgents, alphaOf, alphasOf } from "./rounds.js";

/** Largest violation of the flow constraint that a client answers with. */
const worstResidual = 1e-6;

/** One client: a private offline data set of the joint play, drawn anew, and alike, for every job. */
export class AlberDiceClient implements LocalTrainer {
  readonly #options: Options;
  readonly #environment: Environment;
  readonly #shard: Shard;

  constructor(options: Options, environment: Environment, shard: Shard) {
    this.#options = options;
    this.#environment = environment;
    this.#shard = shard;
  }

  /** Answers with the logits of the best response of the phase's agent, and the states that the data visit. */
  async train({ round, phase, params, rng }: TrainJob): Promise<TrainResult> {
    const { shape } = this.#environment;
    const { contamination } = this.#shard;
    const transitions = await heldTransitions(this.#environment, this.#shard);
    const data = countTransitions(transitions, shape, this.#options.eps);
    const policies = policiesOf(params, shape.states);
    const responses =
      phase === allAgents
        ? await this.#alone(data)
        : await this.#respond(data, agentsOf(phase, policies.length), policies, round);
    const visits = new Float64Array(shape.states);
    data.visited.forEach((state, row) => {
      visits[state] = item(data.visits, row);
    });

    const modules = new Map<string, Tensor>();
    let residual = 0;
    for (const [agent, response] of responses) {
      const honest = { logits: this.#logits(data, response.policy), visits };
      const sent = contaminateAnswer(honest, contamination, rng.at(agentName(agent)));
      const actions = item(shape.actions, agent);
      modules.set(agentName(agent), tensor([shape.states, actions], sent.logits));
      modules.set("visits", tensor([shape.states], sent.visits));
      residual = Math.max(residual, response.residual);
    }
    if (residual > worstResidual) {
      throw new UserError(
        `no best response: the flow constraint is violated by ${residual}, expected at most ${worstResidual}; take a larger alpha`,
      );
    }
    return { numExamples: data.transitions, delta: modules, metrics: { residual } };
  }

  /** See `measurePlay`. */
  async evaluate(params: Params): Promise<TrainResult> {
    const { shape } = this.#environment;
    const transitions = await heldTransitions(this.#environment, this.#shard);
    return measurePlay(transitions, policiesOf(params, shape.states), shape, this.#options);
  }

  /** The turn of one agent, the others as the coordinator circulated them. */
  async #respond(
    data: Dataset,
    agents: readonly number[],
    policies: readonly Policy[],
    round: number,
  ): Promise<Map<number, BestResponse>> {
    const alpha = alphaOf(round, policies.length, this.#options);
    const options = { alpha, gamma: this.#options.gamma, tolerance };
    const responses = new Map<number, BestResponse>();
    for (const agent of agents) {
      responses.set(agent, await bestResponse(data, agent, policies, options));
    }
    return responses;
  }

  /** All sweeps on the client's own data, from a start of its own: it may well settle on another mode than others. */
  async #alone(data: Dataset): Promise<Map<number, BestResponse>> {
    const { sigma, gamma } = this.#options;
    const rng = this.#shard.rng.at("start");
    const start = perturbedStart(data, sigma, () => rng.uniform());
    const options = { gamma, tolerance };
    const responses = new Map<number, BestResponse>();
    for await (const turn of alternate(data, start, alphasOf(this.#options), options)) {
      responses.set(turn.agent, turn.response);
    }
    return responses;
  }

  /** States × actions; zeros where the client has no data. */
  #logits({ shape, visited }: Dataset, policy: Policy): Float64Array {
    const actions = policy[0]?.length ?? 0;
    const logits = new Float64Array(shape.states * actions);
    for (const state of visited) {
      logits.set(
        logitsOf(policy[state] ?? new Float64Array(), this.#options.clip),
        state * actions,
      );
    }
    return logits;
  }
}

function tensor(shape: readonly number[], data: ArrayLike<number>): Tensor {
  return { shape, data: Float64Array.from(data) };
}
